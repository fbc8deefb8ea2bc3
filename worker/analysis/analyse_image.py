"""Job `analyse_image`: every requested model looks at one photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.jobs.parameters import AnalyseImageJob
from app.media.deletion import discard_unfinished
from ml.explain.photo import explain_image
from worker.analysis.provenance import provenance
from worker.analysis.rows import heatmap, prediction
from worker.analysis.task import Task
from worker.context import Context, WorkerStopping
from worker.handlers import handles


@dataclass
class PhotoTask(Task):
    """The analysis of a photo, which is decoded when a model needs it."""

    @cached_property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """The photo as the models see it, uint8 [size, size, 3]."""
        runtime = self.context.runtime
        if not runtime.blobs.exists(self.media.blob_key):
            raise NotFound("The photo is gone from the server's disk: upload it again.")
        path = runtime.blobs.path(self.media.blob_key)
        return runtime.decoder.pixels(path, self.request.input_size)


@handles(AnalyseImageJob)
def analyse_image(params: AnalyseImageJob, context: Context) -> None:
    """Run the models one by one, each stored whole before the next begins."""
    task = PhotoTask.load(params.analysis_id, context)
    total = len(task.request.models)
    try:
        for model_id in task.request.models:
            context.check()
            if model_id not in task.done:
                _run_model(task, model_id, total)
        _conclude(task, total)
    except WorkerStopping:
        raise  # the next try writes the same files again
    except Exception:
        _discard(task)
        raise


def _discard(task: PhotoTask) -> None:
    """Remove the files of a model that got no rows, unless another worker is at it by now."""
    with task.context.runtime.sessions.begin() as session:
        if task.context.nobody_else_works_on_it(session):
            discard_unfinished(session, task.context.runtime.blobs, task.analysis_id)


def _run_model(task: PhotoTask, model_id: str, total: int) -> None:
    request, runtime = task.request, task.context.runtime
    result = explain_image(
        runtime.models.get(model_id), task.rgb, target=request.target, methods=request.methods
    )
    task.context.check()
    maps = []
    for found in result.heatmaps:
        row, file = heatmap(task.analysis_id, model_id, found)
        runtime.blobs.put(row.blob_key, file)
        maps.append(row)
    task.done.add(model_id)
    said = prediction(task.analysis_id, result)

    def write(session: Session) -> None:
        rows.add_result(session, said, maps)

    count = len(task.done)
    task.context.commit(count / total, f"{count} of {total} models", write)


def _conclude(task: PhotoTask, total: int) -> None:
    runtime = task.context.runtime

    def write(session: Session) -> None:
        seconds = sum(row.seconds for row in rows.predictions(session, task.analysis_id))
        record = provenance(task.request, runtime.models, task.media.sha256, seconds)
        rows.set_provenance(session, task.analysis_id, record)

    task.context.commit(1.0, f"{total} of {total} models", write)
