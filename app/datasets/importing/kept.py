"""What an import has read, kept while it waits for a person: a JSON blob."""

from __future__ import annotations

import json
from pathlib import Path

from app.datasets.importing.report import Report
from app.datasets.importing.staging import StagedFiles
from app.storage import keys
from app.storage.blobs import BlobStore


def store(
    blobs: BlobStore, dataset_id: str, staged: StagedFiles, report: Report, base: Path
) -> None:
    """Keep the staged files, which lie below `base`, and the report so far."""
    whole = {**staged.dump(base), "report": report.public()}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    blobs.put(keys.dataset_staged(dataset_id), text.encode())


def restored(blobs: BlobStore, dataset_id: str, report: Report, base: Path) -> StagedFiles:
    """Return the staged files, and fill the report; FileNotFoundError if nothing is kept."""
    whole = json.loads(blobs.path(keys.dataset_staged(dataset_id)).read_bytes())
    report.restore(whole["report"])
    return StagedFiles.load(whole, base)
