"""Removal of unused files from the training cache."""

from __future__ import annotations

import os
import time
from pathlib import Path

from app.core.settings import Settings
from app.jobs.cleanup import sweep_cache


def test_the_training_cache_keeps_recently_used_files(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert sweep_cache(settings) == 0  # nothing has been trained yet
    cache = tmp_path / "cache" / "training"
    ages = {"images.npy": 40, "features-a/part.npy": 40, "read.npy": 2, "features-b/part.npy": 2}
    for name, days in ages.items():
        file = cache / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
        used = time.time() - days * 86400
        os.utime(file, (used, time.time() - 50 * 86400))
    assert sweep_cache(settings) == 2
    left = {path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()}
    assert left == {"read.npy", "features-b/part.npy"}
    assert not (cache / "features-a").exists()
