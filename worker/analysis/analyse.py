"""Jobs `analyse_image` and `analyse_clip`: every requested model looks at a photo or a clip."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy.orm import Session

from app.db import analyses as rows
from app.db.documents import Problem
from app.jobs.parameters import AnalyseClipJob, AnalyseImageJob, flow_key
from app.media.deletion import discard_unfinished, unreferenced
from ml.catalogue import IMAGENET_ID
from ml.explain.certainty import ImageNet
from ml.explain.explain import explain
from ml.explain.results import Explanation
from ml.explain.targets import known_target
from ml.networks.video.types import Sampled
from worker import failures
from worker.analysis.blob_writer import BlobWriter
from worker.analysis.provenance import provenance
from worker.analysis.rows import npy, prediction, track
from worker.analysis.sampling import sample
from worker.analysis.task import Task, as_asked
from worker.context import Context, WorkerStopping
from worker.handlers import handles


@handles(AnalyseClipJob)
@handles(AnalyseImageJob)
def analyse(params: AnalyseImageJob, context: Context) -> None:
    """Take the pixels and run the models one by one; each is stored whole before the next.

    A model that fails says why in place of its row.
    """
    task = Task.load(params.analysis_id, context)
    try:
        if missing := [name for name in task.request.models if name not in task.done]:
            with BlobWriter(context.runtime.blobs) as writer:
                sampled = sample(task, writer)
                imagenet = None
                if not task.of_clip:
                    imagenet = ImageNet(IMAGENET_ID, context.runtime.models.imagenet, sampled)
                for model_id in missing:
                    context.check()
                    _run_model(task, model_id, sampled, imagenet, writer)
    except WorkerStopping:
        raise  # the next try writes the same files again
    except Exception:
        _discard(task)
        raise


def _run_model(
    task: Task, model_id: str, sampled: Sampled, imagenet: ImageNet | None, writer: BlobWriter
) -> None:
    try:
        result = _explain(task, model_id, sampled, imagenet)
    except Exception as error:  # noqa: BLE001 (whatever a network raises, the others go on)
        _note(task, model_id, failures.note(model_id, error), error)
        return
    task.context.check()
    maps = []
    for each in result.tracks:
        key, stored, records = track(task.analysis_id, model_id, each, of_clip=task.of_clip)
        writer.put(key, partial(npy, stored))
        maps += records
    writer.wait()
    row = prediction(task.analysis_id, result)
    task.answered.add(model_id)
    _commit(task, lambda session: rows.add_result(session, row, maps))


def _explain(task: Task, model_id: str, sampled: Sampled, imagenet: ImageNet | None) -> Explanation:
    request = task.request
    model = task.context.runtime.models.get(model_id, task.media.kind)
    target = known_target(as_asked(request.target), model.classes)
    return explain(model, sampled, target=target, methods=request.methods, imagenet=imagenet)


def _note(task: Task, model_id: str, problem: Problem, error: Exception) -> None:
    """Store why a model has no row; if no model has one, the job fails with the last reason."""
    task.failed.add(model_id)
    if not task.answered and len(task.done) == len(task.request.models):
        raise error
    _commit(task, lambda session: rows.add_problem(session, task.analysis_id, model_id, problem))


def _commit(task: Task, store: Callable[[Session], object]) -> None:
    count, total = len(task.done), len(task.request.models)

    def write(session: Session) -> None:
        store(session)
        if count == total:
            _conclude(task, session)

    task.context.commit(task.progress(count / total), f"{count} of {total} models", write)


def _conclude(task: Task, session: Session) -> None:
    """Store how the results came about, in the same transaction as the last of them."""
    seconds = sum(row.seconds for row in rows.predictions(session, task.analysis_id))
    models = task.context.runtime.models
    answered = [name for name in task.request.models if name in task.answered]
    record = provenance(task.request, answered, models, task.media, seconds)
    rows.set_provenance(session, task.analysis_id, record)


def _discard(task: Task) -> None:
    """Remove the files that no row needs, unless another worker has the job by now."""
    blobs = task.context.runtime.blobs
    with task.context.runtime.sessions.begin() as session:
        if task.context.nobody_else_works_on_it(session):
            discard_unfinished(session, blobs, task.analysis_id)
            if task.of_clip:
                for key in unreferenced(session, [flow_key(task.media.id, task.request)]):
                    blobs.delete(key)  # the clip was deleted meanwhile
