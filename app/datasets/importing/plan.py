"""What an import would make of its files: the tree of folders, for a person to look at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from app.core.errors import NotFound, Unprocessable
from app.core.settings import Settings
from app.datasets.importing.assemble import Decisions, assemble, title
from app.datasets.importing.encodings import TITLES
from app.datasets.importing.folders import allowed_root
from app.datasets.importing.kept import restored
from app.datasets.importing.report import Report
from app.datasets.importing.staging import StagedFiles
from app.storage import keys
from app.storage.blobs import BlobStore
from ml.layouts.layout import BadChange

SHOWN_CONFLICTS = 100
SHOWN_FOLDERS = 5000
OVER = "Nothing waits for a decision here: the import has ended, or was stopped."


def base_of(blobs: BlobStore, settings: Settings, source: str, dataset_id: str) -> Path:
    """Return the folder that an import's files lie below."""
    if source == "folder":
        return allowed_root(settings)
    return blobs.path(keys.dataset_folder(dataset_id))


def kept(
    blobs: BlobStore, base: Path, dataset_id: str, decisions: Decisions
) -> tuple[StagedFiles, Report]:
    """Return what a waiting import has read, and its report so far; NotFound if none waits."""
    report = Report(decisions.seed, decisions.val_share)
    try:
        return restored(blobs, dataset_id, report, base), report
    except FileNotFoundError:
        raise NotFound(OVER) from None


def inside(base: Path, where: str) -> Path:
    """Return the path of a file that was read; NotFound if it is gone, or leads out of `base`."""
    path = Path(where).resolve()
    if not path.is_relative_to(base.resolve()) or not path.is_file():
        raise NotFound("The file is gone from the server's disk: import the dataset again.")
    return path


def plan(staged: StagedFiles, report: Report, decisions: Decisions) -> dict[str, Any]:
    """Return the plan as JSON; Unprocessable if a decision does not fit to the files."""
    try:
        made = assemble(staged, report, decisions)
    except BadChange as error:
        raise Unprocessable(str(error)) from None
    counts = Counter((image.split, image.folder) for image in made.images)
    groups = list(made.layout.groups.values())
    return {
        "kind": made.kind,
        "question": made.layout.question,
        "problem": made.problem(report),
        "folders": [
            {
                "folder": "/".join(group.folder),
                "root": "/".join(group.root),
                "files": group.files,
                "use": group.use,
                "class_name": title(group.label) or None,
                "reason": group.reason or None,
            }
            for group in groups[:SHOWN_FOLDERS]
        ],
        "classes": [
            {"name": name, "train": counts["train", folder], "val": counts["val", folder]}
            for name, folder in zip(made.classes, made.folders, strict=True)
        ],
        "conflicts": [
            {
                "sha256": files[0][0].sha256,
                "names": [file.name for file, _ in files],
                "classes": [title(label) for _, label in files],
            }
            for files in made.conflicts[:SHOWN_CONFLICTS]
        ],
        "encoding": staged.encoding,
        "encodings": TITLES if staged.encoding else {},
        "report": report.public(),
    }
