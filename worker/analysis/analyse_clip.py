"""Job `analyse_clip`: every requested model looks at one clip."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.orm import Session

from app.db import analyses as rows
from app.jobs.parameters import AnalyseClipJob, flow_key
from app.media.deletion import discard_unfinished, unreferenced
from app.storage import keys
from ml.explain.clip import explain_clip
from ml.networks.video.types import Sampled
from worker.analysis import clip_rows as records
from worker.analysis.blob_writer import Writing
from worker.analysis.clip_sampling import FLOWN, Sampling
from worker.analysis.provenance import provenance
from worker.analysis.rows import npy
from worker.analysis.task import Task
from worker.context import Context, WorkerStopping
from worker.handlers import handles

TELL_SECONDS = 0.25


@dataclass
class ClipTask(Task):
    """The analysis of a clip, whose decoding and flow take long enough to report progress."""

    _next: float = field(default_factory=lambda: time.monotonic() + TELL_SECONDS)

    def tell(self, progress: float, message: str) -> None:
        """Say how far it is; the first model's share comes after decoding and flow.

        Not more often than anybody can see, and never back to before what is stored.
        """
        if not self.done and time.monotonic() >= self._next:
            self.context.commit(progress, message)
            self._next = time.monotonic() + TELL_SECONDS


@handles(AnalyseClipJob)
def analyse_clip(params: AnalyseClipJob, context: Context) -> None:
    """Decode, compute the flow, and run the models one by one, each stored whole."""
    task = ClipTask.load(params.analysis_id, context)
    total = len(task.request.models)
    try:
        if missing := [name for name in task.request.models if name not in task.done]:
            _run(task, missing, total)
    except WorkerStopping:
        raise  # the next try writes the same files again
    except Exception:
        _discard(task)
        raise


def _run(task: ClipTask, models: list[str], total: int) -> None:
    sampling = Sampling(task.context, task.media, task.request, task.tell)
    sampled, is_new = sampling.take()
    with Writing(task.context.runtime.blobs) as beside:  # the models need not wait for it
        _begin_to_store(task, beside, sampled)
        if is_new:
            beside.put(sampling.flow_key, partial(npy, sampled.flow))
        for model_id in models:
            task.context.check()
            _run_model(task, model_id, sampled, beside, total)


def _begin_to_store(task: ClipTask, beside: Writing, sampled: Sampled) -> None:
    """Write what the page shows beside the maps: each snippet's frame, and its mean flow."""
    for k, frame in enumerate(sampled.rgb):
        beside.put(keys.snippet_frame(task.analysis_id, k), partial(records.jpeg, frame))
    beside.put(keys.mean_flow(task.analysis_id), partial(records.mean_flow, sampled))


def _run_model(
    task: ClipTask, model_id: str, sampled: Sampled, beside: Writing, total: int
) -> None:
    request, runtime = task.request, task.context.runtime
    result = explain_clip(
        runtime.models.clip(model_id), sampled, target=request.target, methods=request.methods
    )
    task.context.check()
    maps = []
    with Writing(runtime.blobs) as files:
        for found in result.tracks:
            own, key, stored = records.track(task.analysis_id, model_id, found)
            files.put(key, partial(npy, stored))
            maps += own
    beside.wait()
    said = records.clip_prediction(task.analysis_id, result)
    task.done.add(model_id)
    count = len(task.done)

    def write(session: Session) -> None:
        rows.add_clip_result(session, said, maps)
        if count == total:
            _conclude(task, session)

    progress = FLOWN + (1 - FLOWN) * count / total
    task.context.commit(progress, f"{count} of {total} models", write)


def _conclude(task: ClipTask, session: Session) -> None:
    """Note how the results came about, in the same transaction as the last of them."""
    seconds = sum(row.seconds for row in rows.predictions(session, task.analysis_id))
    models = task.context.runtime.models
    record = provenance(task.request, models, task.media.sha256, seconds)
    rows.set_provenance(session, task.analysis_id, record)


def _discard(task: ClipTask) -> None:
    """Remove the files that no row needs, unless another worker is at it by now."""
    blobs = task.context.runtime.blobs
    with task.context.runtime.sessions.begin() as session:
        if task.context.nobody_else_works_on_it(session):
            discard_unfinished(session, blobs, task.analysis_id)
            for key in unreferenced(session, [flow_key(task.media.id, task.request)]):
                blobs.delete(key)  # the clip was deleted meanwhile
