"""Imagenette by torchvision's own dataset class, in a process that can be stopped at any moment.

`python -m worker.datasets.imagenette FOLDER SIZE` downloads and unpacks it; it ends if stdin does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.core.errors import Unprocessable

ARCHIVE_BYTES = {"160px": 99_003_388, "320px": 341_663_724, "full": 1_557_161_267}
ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.1
DOWNLOADING = 0.3  # share of the import's progress


def download(
    folder: Path, size: str, check: Callable[[], None], tell: Callable[[float, str], None]
) -> Path:
    """Return the folder with train/ and val/; Unprocessable if it cannot be downloaded."""
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.datasets.imagenette", str(folder), size],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        while process.poll() is None:
            check()
            done = _downloaded(folder) / ARCHIVE_BYTES[size]
            tell(DOWNLOADING * min(1.0, done), f"downloading Imagenette, {min(1.0, done):.0%}")
            time.sleep(POLL_SECONDS)
        assert process.stderr is not None
        lines = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
    finally:
        process.kill()
        process.communicate()
    if process.returncode != 0:
        raise Unprocessable(
            "Imagenette could not be downloaded: this needs a network from the server to "
            f"s3.amazonaws.com ({_brief(lines)}). Upload it as an archive instead, or put it under "
            "SIGHTLINE_DATA."
        )
    return next(path for path in folder.iterdir() if path.is_dir())


def _downloaded(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _brief(lines: list[str]) -> str:
    last = lines[-1] if lines else "no reason given"
    return last if len(last) <= 120 else f"{last[:119]}…"


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Download and unpack both splits, which are one archive."""
    from torchvision.datasets import Imagenette

    threading.Thread(target=_end_with_parent, daemon=True).start()
    Imagenette(sys.argv[1], split="val", size=sys.argv[2], download=True)
    for path in Path(sys.argv[1]).glob("*.tgz"):
        path.unlink()


if __name__ == "__main__":
    main()
