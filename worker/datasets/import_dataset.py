"""Job `import_dataset`: from an archive, a folder or a download to an index of checked images."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.datasets.deletion import discard_files
from app.datasets.importing.folders import allowed_root, inside
from app.datasets.importing.run import Import
from app.datasets.importing.staging import StagedFiles
from app.db import datasets as rows
from app.jobs.imports import decisions_of
from app.jobs.parameters import ImportDatasetJob
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
        decisions=decisions_of(params),
        encoding=params.encoding,
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
    root = allowed_root(context.runtime.settings) if params.source == "folder" else None
    staged = task.restored(root) if params.decisions is not None else None
    if staged is None:
        staged = _stage(params, task, context, root)
    if params.review and params.decisions is None:
        task.store(staged, root)
        context.pause("waiting for your decision")
        return
    facts = task.put_together(staged, root)
    images = facts["train_images"] + facts["val_images"]
    write = partial(rows.update_facts, dataset_id=params.dataset_id, **facts)
    context.commit(1.0, f"{images:,} {facts['kind']}", write)
    task.clean_up()


def _stage(
    params: ImportDatasetJob, task: Import, context: Context, root: Path | None
) -> StagedFiles:
    work = task.prepare()
    if params.source == "archive":
        return task.from_archive(work)
    if root is not None:
        return task.from_tree(inside(root, params.folder or ""), root)
    folder = download(work, params.size or "160px", context.check, task.tell)
    return task.from_tree(folder.resolve(), folder.resolve())


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
