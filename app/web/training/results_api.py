"""What a run has said: curves, log, maps of the probes, mistakes, checkpoint."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from app.core.errors import NotFound
from app.datasets import index as indices
from app.db import training as rows
from app.db.training_tables import TrainingRun
from app.training import confusion as mistakes
from app.training import control
from app.web.http.caching import PRIVATE_IMMUTABLE, reply
from app.web.http.deps import ReadSession, StateDep
from app.web.http.parameters import PathId, binary, errors
from app.web.http.principal import Reader
from app.web.http.schemas import API, Page
from app.web.training import present, schemas

router = APIRouter(prefix="/training-runs", tags=["training"])
NPY = "application/octet-stream"
COLUMNS = (
    "step", "train_loss", "train_accuracy", "lr", "images_per_s", "epoch", "epoch_train_loss",
    "epoch_train_accuracy", "val_loss", "val_accuracy", "seconds",
)  # fmt: skip
WORST_SHOWN = 24
MOST = 2**31 - 1
Whole = Annotated[int | None, Query(ge=1, le=MOST, description="Left out: the last one.")]


@router.get(
    "/{run_id}/metrics",
    response_model=schemas.Metrics,
    summary="Curves",
    responses=errors(401, 403, 404),
)
def metrics(
    run_id: PathId,
    session: ReadSession,
    _: Reader,
    after: Annotated[
        int, Query(ge=0, le=MOST, description="Only steps and epochs after this step.")
    ] = 0,
    points: Annotated[
        int | None,
        Query(
            ge=10,
            le=100_000,
            description="About how many steps; peaks and dips of the loss are kept.",
        ),
    ] = None,
) -> Any:
    """Every step and epoch so far, steps as columns."""
    control.found_run(session, run_id)
    found = rows.points(session, run_id, after)
    shown = found if points is None else present.thinned(found, points)
    epochs = [row for row in rows.epochs(session, run_id) if row.step > after]
    return schemas.Metrics(
        run_id=run_id,
        points=present.points(shown),
        epochs=[present.epoch(row) for row in epochs],
        last_step=found[-1][0] if found else after,
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
def metrics_csv(run_id: PathId, session: ReadSession, web: StateDep, _: Reader) -> Any:
    """Everything, not thinned."""
    control.found_run(session, run_id)
    epochs = {row.step: row for row in rows.epochs(session, run_id)}

    def lines() -> Iterator[str]:
        yield ",".join(COLUMNS) + "\r\n"
        with web.readers() as own:
            for point in rows.all_points(own, run_id):
                text = io.StringIO()
                epoch = epochs.get(point[0])
                csv.writer(text).writerow([*point, *_epoch_cells(epoch)])
                yield text.getvalue()

    return _download(StreamingResponse(lines(), media_type="text/csv"), f"run-{run_id[:8]}.csv")


def _epoch_cells(epoch: Any) -> list[Any]:
    if epoch is None:
        return [""] * 6
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "seconds")
    return [epoch.epoch, *(epoch.values[name] for name in names)]


@router.get(
    "/{run_id}/log",
    response_model=Page[schemas.Note],
    summary="Log",
    responses=errors(401, 403, 404),
)
def log(run_id: PathId, session: ReadSession, _: Reader) -> Any:
    """The lines of the run's log, the oldest first."""
    control.found_run(session, run_id)
    return Page(items=[present.note(row) for row in rows.notes(session, run_id)])


@router.get(
    "/{run_id}/probes/{epoch}/{method}.npy",
    response_class=Response,
    summary="Maps of the probe images",
    responses={200: binary(NPY, "NPY, float16 [images, cells]."), 304: {}, **errors(401, 403, 404)},
)
def probes(
    run_id: PathId,
    request: Request,
    session: ReadSession,
    web: StateDep,
    _: Reader,
    epoch: Annotated[str, Path(pattern=r"^([1-9][0-9]{0,5}|worst)$", description="Or `worst`.")],
    method: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")],
) -> Any:
    """The stages' cells one after the other, as the epoch's `probes` say.

    `worst` instead of an epoch gives the maps of the worst mistakes, as the run's `worst_maps` say.
    """
    run = control.found_run(session, run_id)
    if epoch == "worst":
        said = (run.summary or {}).get("worst_maps", {})
    else:
        row = rows.epoch(session, run_id, int(epoch))
        said = {} if row is None else row.probes
    if method not in said:
        raise NotFound("The run has no such maps (yet).")
    headers = {"Cache-Control": PRIVATE_IMMUTABLE}
    etag = f"{run_id}-{epoch}-{method}"
    return reply(request, web.blobs.get(said[method]["key"]), NPY, etag=etag, headers=headers)


@router.get(
    "/{run_id}/confusion",
    response_model=schemas.Confusion,
    summary="Confusion matrix",
    responses=errors(401, 403, 404),
)
def confusion(
    run_id: PathId, session: ReadSession, web: StateDep, _: Reader, epoch: Whole = None
) -> Any:
    """What the validation images were taken for after an epoch, and the surest mistakes."""
    said, index = _predictions(session, web, control.found_run(session, run_id), epoch)
    classes, labels = list(index.classes), [image.label for image in index.split("val")]
    matrix = mistakes.matrix(said, labels, len(classes))
    return schemas.Confusion(
        epoch=said.epoch,
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
        worst=[schemas.Mistake(**one) for one in mistakes.worst(said, labels, WORST_SHOWN)],
    )


@router.get(
    "/{run_id}/confusion/images",
    response_model=Page[schemas.CellImage],
    summary="Images of one cell",
    responses=errors(401, 403, 404),
)
def confusion_images(
    run_id: PathId,
    session: ReadSession,
    web: StateDep,
    _: Reader,
    true: Annotated[int, Query(ge=0, le=MOST, description="The images' own class.")],
    predicted: Annotated[int, Query(ge=0, le=MOST, description="The class that they got.")],
    epoch: Whole = None,
) -> Any:
    """The validation images of one cell of the matrix, the surest first."""
    run = control.found_run(session, run_id)
    said, index = _predictions(session, web, run, epoch)
    labels = [image.label for image in index.split("val")]
    address = f"{API}/datasets/{index.dataset_id}/images/val"
    found = mistakes.cell(said, labels, true, predicted)
    items = [
        schemas.CellImage(index=number, confidence=sure, href=f"{address}/{number}")
        for number, sure in found
    ]
    return Page(items=items)


def _predictions(
    session: Any, web: Any, run: TrainingRun, number: int | None
) -> tuple[mistakes.Predictions, indices.Index]:
    epoch = rows.epoch(session, run.id, number)
    if epoch is None or epoch.predictions_key is None:
        raise NotFound("The run has not ended such an epoch (yet).")
    study = control.found_study(session, run.study_id)
    said = mistakes.read(web.blobs.get(epoch.predictions_key), epoch.epoch)
    return said, indices.load(web.blobs, study.dataset_id)


@router.get(
    "/{run_id}/checkpoint",
    response_class=Response,
    summary="Checkpoint",
    responses={200: binary(NPY, "safetensors, float16."), **errors(401, 403, 404)},
)
def checkpoint(run_id: PathId, session: ReadSession, web: StateDep, _: Reader) -> Any:
    """The weights; `card` says what they are, and both together can be imported elsewhere."""
    run = _ended_well(control.found_run(session, run_id))
    assert run.checkpoint_key is not None
    path = web.blobs.path(run.checkpoint_key)
    if not path.is_file():
        raise NotFound("The checkpoint is gone from the server's disk.")
    return _download(FileResponse(path, media_type=NPY), f"{_name(run)}.safetensors")


@router.get("/{run_id}/card", summary="Model card", responses=errors(401, 403, 404))
def card(run_id: PathId, session: ReadSession, _: Reader) -> Response:
    """The JSON beside the checkpoint: mechanism, classes, recipe, curves, versions, hash."""
    run = _ended_well(control.found_run(session, run_id))
    text = json.dumps(run.about, indent=1, ensure_ascii=False) + "\n"
    response = Response(text, media_type="application/json")
    _download(response, f"{_name(run)}.json")
    return response


def _ended_well(run: TrainingRun) -> TrainingRun:
    if run.checkpoint_key is None:
        raise NotFound("Only a run that succeeded has a checkpoint.")
    return run


def _name(run: TrainingRun) -> str:
    return run.model_id or f"{run.mechanism}-{run.id[:8]}"


def _download(response: Any, filename: str) -> Any:
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
