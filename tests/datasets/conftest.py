"""A place to import into, and the servers of the API's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.core.settings import Settings
from app.datasets.importing.assemble import Decisions
from app.datasets.importing.run import Import
from app.datasets.index import Index, load
from app.storage import keys
from app.storage.blobs import LocalBlobs
from tests.api.conftest import any_api, api

__all__ = ["any_api", "api"]
DATASET = "d" * 32
Brought = tuple[Index, dict[str, Any]]
Bring = Callable[..., Brought]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", min_free_bytes=0)


@pytest.fixture
def bring(settings: Settings) -> Bring:
    """Import an archive's bytes; return the index and the facts of the dataset's row.

    Whatever happens, nothing but the dataset's own files is left.
    """

    def run(
        data: bytes,
        seed: int = 0,
        val_share: float = 0.2,
        decided: Any = None,
        encoding: Any = None,
        **limits: Any,
    ) -> Brought:
        chosen = settings.model_copy(update=limits)
        blobs = LocalBlobs(settings.blob_dir)
        blobs.delete_prefix(f"datasets/{DATASET}")
        blobs.put(keys.dataset_archive(DATASET), data)
        task = Import(
            blobs,
            chosen,
            DATASET,
            Decisions(seed, val_share, **(decided or {})),
            check=lambda: None,
            tell=lambda _share, _words: None,
            encoding=encoding,
        )
        taken = task.from_archive(task.prepare())
        facts = task.put_together(taken, None)
        task.clean_up()
        index = load(blobs, DATASET)
        names = {path.name for path in blobs.path(f"datasets/{DATASET}").iterdir()}
        assert names == {"index.json", *(f"{image.n:06d}" for image in index.images)}
        for image in index.images:
            assert index.path(blobs, chosen, image).stat().st_size == image.bytes
        return index, facts

    return run
