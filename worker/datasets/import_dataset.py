"""Job `import_dataset`: from an archive, a folder or a download to an index of checked images."""

from __future__ import annotations

from functools import partial

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.datasets.deletion import discard_files
from app.datasets.importing.folders import allowed_root, inside
from app.datasets.importing.run import Import
from app.db import datasets as rows
from app.jobs.parameters import ImportDatasetJob
from ml.train.tasks.photos.data import SYNSETS
from worker.context import Context, JobLost, WorkerStopping
from worker.datasets.imagenette import download
from worker.handlers import handles
from worker.progress import Progress


@handles(ImportDatasetJob)
def import_dataset(params: ImportDatasetJob, context: Context) -> None:
    """Import the dataset; a failure leaves no files, only the reason and the report."""
    runtime = context.runtime
    task = Import(
        blobs=runtime.blobs,
        settings=runtime.settings,
        dataset_id=params.dataset_id,
        seed=params.seed,
        val_share=params.val_share,
        titles=SYNSETS,
        check=context.check,
        tell=Progress(context),
    )
    if _is_imported(params, context):
        task.clean_up()
        return
    try:
        _import(params, task, context)
    except (WorkerStopping, OperationalError, InterfaceError):
        raise  # the next try begins with the same archive
    except JobLost:
        _discard(params, context)
        raise
    except Exception as error:
        try:
            _note_report(params, task, context)
        except JobLost:  # the dataset was deleted, and its files with it
            raise JobLost from error
        finally:
            _discard(params, context)
        raise


def _import(params: ImportDatasetJob, task: Import, context: Context) -> None:
    work = task.prepare()
    root = None
    if params.source == "archive":
        staged = task.from_archive(work)
    elif params.source == "folder":
        root = allowed_root(context.runtime.settings)
        staged = task.from_tree(inside(root, params.folder or ""), root)
    else:
        folder = download(work, params.size or "160px", context.check, task.tell)
        staged = task.from_tree(folder.resolve(), folder.resolve())
    facts = task.put_together(staged, root)
    images = facts["train_images"] + facts["val_images"]
    write = partial(rows.update_facts, dataset_id=params.dataset_id, **facts)
    context.commit(1.0, f"{images:,} {facts['kind']}", write)
    task.clean_up()


def _is_imported(params: ImportDatasetJob, context: Context) -> bool:
    """Return True if an earlier try stored the dataset, but did not end the job."""
    with context.runtime.readers() as session:
        row = rows.get(session, params.dataset_id)
        if row is None:
            raise NotFound("The dataset was deleted.")
        return row.fingerprint is not None


def _note_report(params: ImportDatasetJob, task: Import, context: Context) -> None:
    report = task.report.public()

    def write(session: Session) -> None:
        rows.update_facts(session, params.dataset_id, report=report)

    context.commit(1.0, "failed", write)


def _discard(params: ImportDatasetJob, context: Context) -> None:
    """Remove all files, unless another worker has the job by now."""
    with context.runtime.sessions.begin() as session:
        if context.nobody_else_works_on_it(session):
            discard_files(session, context.runtime.blobs, params.dataset_id)
