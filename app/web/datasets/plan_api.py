"""The plan of an import that waits: what it has understood, and a person's decisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from app.core.errors import BadMedia, Conflict, NotFound, TooLarge, Unprocessable
from app.datasets.importing import plan as plans
from app.jobs.imports import decisions_of, go_on
from app.jobs.parameters import PlanDecisions
from app.web.datasets import present, schemas
from app.web.datasets.find import ReadableDataset, TrainableDataset
from app.web.datasets.plan import OVER, plan_of, waiting, waiting_plan
from app.web.http.deps import StateDep, WriteSession
from app.web.http.parameters import binary, errors
from app.web.http.principal import Audit

router = APIRouter(prefix="/datasets", tags=["datasets"])
SIDE = 224


@router.get(
    "/{dataset_id}/plan", summary="What was understood", responses=errors(401, 403, 404, 409)
)
def get_plan(dataset: ReadableDataset, web: StateDep) -> schemas.Plan:
    """The folders' uses, classes, counts and what is left out, of an import that is `paused`."""
    return waiting_plan(web, dataset)


@router.post(
    "/{dataset_id}/confirm",
    summary="Decide how a dataset is read",
    responses=errors(400, 401, 403, 404, 409),
)
def confirm(
    body: schemas.Confirmation,
    dataset: TrainableDataset,
    session: WriteSession,
    web: StateDep,
    audit: Audit,
) -> schemas.Dataset:
    """Make the dataset as planned, with your changes. What cannot be trained on is refused."""
    before = waiting(dataset)
    decisions = PlanDecisions(folders=body.folders, conflicts=body.conflicts)
    after = before.model_copy(update={"decisions": decisions})
    plan = plan_of(web, dataset, after)
    if body.encoding not in (None, plan.encoding):
        after = before.model_copy(update={"encoding": body.encoding})  # a new plan follows
    elif problem := plan.problem or plan.question:
        raise Unprocessable(problem)
    if not go_on(session, dataset.job, after):
        raise Conflict(OVER.format(dataset.job.state))
    audit("dataset.confirm", dataset.id, name=dataset.name)
    return present.dataset(dataset)


@router.get(
    "/{dataset_id}/plan/images/{sha256}",
    response_class=Response,
    summary="An image of a plan",
    responses={
        200: binary("image/jpeg", f"At most {SIDE} pixels, upright."),
        **errors(401, 403, 404, 409, 503),
    },
)
def get_plan_image(
    dataset: ReadableDataset,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Of its content.")],
    web: StateDep,
) -> Response:
    """A JPEG of an image, or of a clip's middle frame, that the import has read."""
    params = waiting(dataset)
    base = plans.base_of(web.blobs, web.settings, dataset.source, dataset.id)
    staged, _ = plans.kept(web.blobs, base, dataset.id, decisions_of(params))
    file = next((file for file in staged.files if file.sha256 == sha256), None)
    if file is None or isinstance(staged.verdicts[sha256], str):
        raise NotFound("The plan has no image with this content.")
    try:
        clip = staged.size_of(file)[2] is not None
        content = web.decoder.thumbnail(plans.inside(base, file.where), SIDE, clip=clip)
    except (BadMedia, TooLarge) as error:  # a folder in place may have changed
        raise NotFound(f"The image cannot be read any more. {error.detail}") from None
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private"})
