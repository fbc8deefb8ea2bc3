"""Results of a run: curves, log, maps of the probe images, mistakes, checkpoint."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from operator import itemgetter
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from sqlalchemy.orm import Session

from app.core.csv_cells import cells
from app.core.errors import NotFound
from app.datasets import index as indices
from app.db import training as rows
from app.db.training_tables import RunEpoch, TrainingRun
from app.training import confusion as mistakes
from app.training import control
from app.web.http.caching import PRIVATE_IMMUTABLE, reply
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import PathId, binary, errors
from app.web.http.schemas import API, Page
from app.web.http.state import AppState
from app.web.training import present, schemas
from app.web.training.find import ReadableRun

router = APIRouter(prefix="/training-runs", tags=["training"])
NPY = "application/octet-stream"
COLUMNS = (
    "step", "train_loss", "train_accuracy", "lr", "images_per_s", "epoch", "epoch_train_loss",
    "epoch_train_accuracy", "val_loss", "val_accuracy", "seconds",
)  # fmt: skip
WORST_SHOWN = 24
MOST = 2**31 - 1
Whole = Annotated[int | None, Query(ge=1, le=MOST, description="By default the last one.")]


@router.get("/{run_id}/metrics", summary="Curves", responses=errors(401, 403, 404))
def metrics(
    run: ReadableRun,
    session: ReadSession,
    after: Annotated[
        int, Query(ge=0, le=MOST, description="Only steps and epochs after this step.")
    ] = 0,
    points: Annotated[
        int | None,
        Query(
            ge=10,
            le=100_000,
            description="About how many steps to return; peaks and dips of the loss are kept.",
        ),
    ] = None,
) -> schemas.Metrics:
    """Every step and epoch so far, steps as columns."""
    steps = rows.points(session, run.id, after)
    shown = steps if points is None else present.thinned(steps, points)
    epochs = [epoch for epoch in rows.epochs(session, run.id) if epoch.step > after]
    return schemas.Metrics(
        run_id=run.id,
        points=present.points(shown),
        epochs=[present.epoch(epoch) for epoch in epochs],
        last_step=steps[-1].step if steps else after,
    )


@router.get(
    "/{run_id}/metrics.csv",
    response_class=Response,
    summary="Curves as CSV",
    responses={
        200: binary("text/csv", "One line a step; an epoch's values in its last."),
        **errors(401, 403, 404),
    },
)
def metrics_csv(run: ReadableRun, session: ReadSession, web: StateDep) -> Response:
    """Everything, not thinned."""
    epochs = {epoch.step: epoch for epoch in rows.epochs(session, run.id)}
    lines = StreamingResponse(_csv_lines(web, run.id, epochs), media_type="text/csv")
    return _download(lines, f"run-{run.id[:8]}.csv")


def _csv_lines(web: AppState, run_id: str, epochs: dict[int, RunEpoch]) -> Iterator[str]:
    """Yield the table line by line; the endpoint's session has ended by then."""
    yield ",".join(COLUMNS) + "\r\n"
    with web.readers() as session:
        for point in rows.all_points(session, run_id):
            line = io.StringIO()
            csv.writer(line).writerow(cells([*point, *_epoch_cells(epochs.get(point.step))]))
            yield line.getvalue()


def _epoch_cells(epoch: RunEpoch | None) -> list[Any]:
    if epoch is None:
        return [""] * 6
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds")
    return [epoch.epoch, *itemgetter(*names)(epoch.values)]


@router.get("/{run_id}/log", summary="Log", responses=errors(401, 403, 404))
def log(run: ReadableRun, session: ReadSession) -> Page[schemas.Note]:
    """The lines of the run's log, the oldest first."""
    return Page(items=[schemas.Note.model_validate(row) for row in rows.notes(session, run.id)])


@router.get(
    "/{run_id}/probes/{epoch}/{method}.npy",
    response_class=Response,
    summary="Maps of the probe images",
    responses={200: binary(NPY, "NPY, float16 [images, cells]."), 304: {}, **errors(401, 403, 404)},
)
def probes(
    run_id: PathId,
    run: ReadableRun,
    request: Request,
    session: ReadSession,
    web: StateDep,
    epoch: Annotated[str, Path(pattern=r"^([1-9][0-9]{0,5}|worst)$", description="Or `worst`.")],
    method: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")],
) -> Response:
    """The stages' cells one after the other, as the epoch's `probes` say.

    `worst` instead of an epoch gives the maps of the worst mistakes, as the run's `worst_maps` say.
    """
    if epoch == "worst":
        maps = run.summary["worst_maps"] if run.summary else {}
    else:
        row = rows.epoch(session, run.id, int(epoch))
        maps = {} if row is None else row.probes
    if method not in maps:
        raise NotFound("The run has no such maps (yet).")
    headers = {"Cache-Control": PRIVATE_IMMUTABLE}
    etag = f"{run_id}-{epoch}-{method}"
    return reply(request, web.blobs.get(maps[method]["key"]), NPY, etag=etag, headers=headers)


@router.get("/{run_id}/answers", summary="Answers to the probes", responses=errors(401, 403, 404))
def answers(
    run: ReadableRun,
    session: ReadSession,
    web: StateDep,
    after: Annotated[int, Query(ge=0, le=MOST, description="Only epochs after this one.")] = 0,
) -> Page[schemas.EpochAnswers]:
    """What the run answered to each probe image after every epoch so far."""
    probes = control.find_study(session, run.study_id).probes
    ended = [epoch for epoch in rows.epochs(session, run.id, after) if epoch.predictions_key]
    return Page(items=[_answers(web, epoch, probes) for epoch in ended])


def _answers(web: AppState, epoch: RunEpoch, probes: list[int]) -> schemas.EpochAnswers:
    said = mistakes.read(web.blobs.get(epoch.predictions_key or ""), epoch.epoch)
    return schemas.EpochAnswers(
        epoch=epoch.epoch,
        predicted=said.predicted[probes].tolist(),
        confidence=said.confidence[probes].tolist(),
    )


@router.get("/{run_id}/confusion", summary="Confusion matrix", responses=errors(401, 403, 404))
def confusion(
    run: ReadableRun, session: ReadSession, web: StateDep, epoch: Whole = None
) -> schemas.Confusion:
    """Predictions on the validation images after an epoch, and the most confident mistakes."""
    predictions, index = _predictions(session, web, run, epoch)
    classes, labels = list(index.classes), [image.label for image in index.split("val")]
    matrix = mistakes.matrix(predictions, labels, len(classes))
    return schemas.Confusion(
        epoch=predictions.epoch,
        classes=classes,
        matrix=matrix,
        per_class=[
            schemas.ClassAccuracy(
                name=name,
                images=sum(row),
                accuracy=row[number] / sum(row) if sum(row) else None,
            )
            for number, (name, row) in enumerate(zip(classes, matrix, strict=True))
        ],
        worst=[
            schemas.Mistake(**mistake)
            for mistake in mistakes.worst(predictions, labels, WORST_SHOWN)
        ],
    )


@router.get(
    "/{run_id}/confusion/images", summary="Images of one cell", responses=errors(401, 403, 404)
)
def confusion_images(
    run: ReadableRun,
    session: ReadSession,
    web: StateDep,
    true: Annotated[int, Query(ge=0, le=MOST, description="Label of the images.")],
    predicted: Annotated[int, Query(ge=0, le=MOST, description="Predicted class.")],
    epoch: Whole = None,
) -> Page[schemas.CellImage]:
    """The validation images of one cell of the matrix, the most confident first."""
    predictions, index = _predictions(session, web, run, epoch)
    labels = [image.label for image in index.split("val")]
    address = f"{API}/datasets/{index.dataset_id}/images/val"
    cell = mistakes.cell(predictions, labels, true, predicted)
    items = [
        schemas.CellImage(index=number, confidence=confidence, href=f"{address}/{number}")
        for number, confidence in cell
    ]
    return Page(items=items)


def _predictions(
    session: Session, web: AppState, run: TrainingRun, number: int | None
) -> tuple[mistakes.Predictions, indices.Index]:
    """Return an epoch's predictions (the last epoch's by default) and the dataset's index."""
    epoch = rows.epoch(session, run.id, number)
    if epoch is None or epoch.predictions_key is None:
        raise NotFound("The run has not ended such an epoch (yet).")
    study = control.find_study(session, run.study_id)
    predictions = mistakes.read(web.blobs.get(epoch.predictions_key), epoch.epoch)
    return predictions, indices.load(web.blobs, study.dataset_id)


@router.get(
    "/{run_id}/checkpoint",
    response_class=Response,
    summary="Checkpoint",
    responses={200: binary(NPY, "safetensors, float16."), **errors(401, 403, 404)},
)
def checkpoint(run: ReadableRun, web: StateDep) -> Response:
    """The weights. With the `card` they can be imported elsewhere."""
    path = web.blobs.path(_checkpoint_key(run))
    if not path.is_file():
        raise NotFound("The checkpoint is gone from the server's disk.")
    return _download(FileResponse(path, media_type=NPY), f"{_name(run)}.safetensors")


@router.get("/{run_id}/card", summary="Model card", responses=errors(401, 403, 404))
def card(run: ReadableRun) -> Response:
    """The JSON beside the checkpoint: mechanism, classes, recipe, curves, versions, hash."""
    _checkpoint_key(run)
    text = json.dumps(run.about, indent=1, ensure_ascii=False) + "\n"
    return _download(Response(text, media_type="application/json"), f"{_name(run)}.json")


def _checkpoint_key(run: TrainingRun) -> str:
    if run.checkpoint_key is None:
        raise NotFound("Only a run that succeeded has a checkpoint.")
    return run.checkpoint_key


def _name(run: TrainingRun) -> str:
    return run.model_id or f"{run.mechanism}-{run.id[:8]}"


def _download(response: Response, filename: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
