"""One try at importing a dataset: files in, index out. After a crash the next try starts anew."""

from __future__ import annotations

import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.errors import Unprocessable
from app.core.settings import Settings
from app.datasets.importing.assemble import Assembled, Decisions, assemble
from app.datasets.importing.encodings import Encoding
from app.datasets.importing.kept import restored, store
from app.datasets.importing.report import Report
from app.datasets.importing.staging import ReportProgress, StagedFiles, Staging
from app.datasets.index import Image, Index, dump
from app.storage import keys
from app.storage.blobs import BlobStore, no_space_is_disk_full
from ml.layouts.layout import BadChange

ASK = "Import it again with `review`, and decide; or move or rename the folder."
CHECK_EVERY = 256
READING = 0.9  # share of the progress; the rest is for putting the images in order


@dataclass
class Import:
    """What one try works with; `check` raises if it should stop."""

    blobs: BlobStore
    settings: Settings
    dataset_id: str
    decisions: Decisions
    check: Callable[[], None]
    tell: ReportProgress
    encoding: Encoding | None = None  # of the archive's names; None detects it
    report: Report = field(init=False)

    def __post_init__(self) -> None:
        self.report = Report(self.decisions.seed, self.decisions.val_share)

    @property
    def folder(self) -> Path:
        """Where the dataset's files are."""
        return self.blobs.path(keys.dataset_folder(self.dataset_id))

    def prepare(self) -> Path:
        """Remove what an earlier try left, except the archive; return a new work folder."""
        archive = self.blobs.path(keys.dataset_archive(self.dataset_id))
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                self.check()
                if path != archive:
                    _remove(path)
        work = self.folder / f"work-{secrets.token_hex(8)}"
        work.mkdir(parents=True)
        return work

    def from_archive(self, work: Path) -> StagedFiles:
        """Stage the uploaded archive."""
        path = self.blobs.path(keys.dataset_archive(self.dataset_id))
        return self._staging().archive(path, work, self._tell_reading, self.encoding)

    def from_tree(self, top: Path, root: Path) -> StagedFiles:
        """Stage a folder, whose links may not lead out of `root`."""
        try:
            return self._staging().tree(top, root, self._tell_reading)
        except PermissionError as error:
            name = Path(str(error.filename)).name
            raise Unprocessable(f"The worker may not read {name}: mend its permissions.") from None

    def put_together(self, staged: StagedFiles, root: Path | None) -> dict[str, Any]:
        """Store the images and their index; return the values of the dataset's row.

        With a `root` the images stay where they are. Unprocessable if the images are too few, or
        the folders can be read in several ways.
        """
        try:
            assembled = assemble(staged, self.report, self.decisions)
        except BadChange as error:
            raise Unprocessable(str(error)) from None
        if (question := assembled.layout.question) is not None:
            raise Unprocessable(f"{question} {ASK}")
        if (problem := assembled.problem(self.report)) is not None:
            raise Unprocessable(problem)
        index = self._place(assembled, staged, root)
        self.check()
        os.sync()  # the images must be on the disk before the index
        self.blobs.put(keys.dataset_index(self.dataset_id), dump(index.classes, index.images))
        return facts(index, self.report)

    def store(self, staged: StagedFiles, root: Path | None) -> None:
        """Keep what was staged until a person has decided what becomes of it."""
        store(self.blobs, self.dataset_id, staged, self.report, root or self.folder)

    def restored(self, root: Path | None) -> StagedFiles | None:
        """Return what was kept; None if it is not complete any more."""
        report = Report(self.decisions.seed, self.decisions.val_share)
        try:
            staged = restored(self.blobs, self.dataset_id, report, root or self.folder)
        except FileNotFoundError:
            return None
        if not all(Path(file.where).is_file() for file in staged.files):
            return None  # an earlier try had begun to move them
        self.report = report
        return staged

    def clean_up(self) -> None:
        """Remove the archive, the work folder and what was kept for a decision."""
        self.blobs.path(keys.dataset_archive(self.dataset_id)).unlink(missing_ok=True)
        self.blobs.path(keys.dataset_staged(self.dataset_id)).unlink(missing_ok=True)
        for path in self.folder.glob("work-*"):
            _remove(path)

    def _place(self, assembled: Assembled, staged: StagedFiles, root: Path | None) -> Index:
        labels = {folder: label for label, folder in enumerate(assembled.folders)}
        images = []
        with no_space_is_disk_full():
            for n, image in enumerate(assembled.images):
                if n % CHECK_EVERY == 0:
                    self.check()
                    done = READING + (1 - READING) * n / len(assembled.images)
                    self.tell(done, f"putting the {assembled.kind} in order")
                file = image.file
                if root is None:
                    key = keys.dataset_image(self.dataset_id, n)
                    Path(file.where).replace(self.blobs.path(key))
                width, height, seconds = staged.size_of(file)
                images.append(
                    Image(
                        n=n,
                        split=image.split,
                        label=labels[image.folder],
                        name=file.name,
                        sha256=file.sha256,
                        width=width,
                        height=height,
                        bytes=file.bytes,
                        path=None if root is None else os.path.relpath(file.where, root),
                        seconds=seconds,
                    )
                )
        return Index(self.dataset_id, assembled.classes, tuple(images))

    def _staging(self) -> Staging:
        return Staging(self.blobs, self.settings, self.report, self.check)

    def _tell_reading(self, share: float, message: str) -> None:
        self.tell(READING * share, message)


def facts(index: Index, report: Report) -> dict[str, Any]:
    """Return the values of the dataset's row."""
    counts = Counter((image.split, image.label) for image in index.images)
    return {
        "kind": index.kind,
        "classes": [
            {"name": name, "train": counts["train", label], "val": counts["val", label]}
            for label, name in enumerate(index.classes)
        ],
        "train_images": len(index.split("train")),
        "val_images": len(index.split("val")),
        "bytes": sum(image.bytes for image in index.images),
        "report": report.public(),
        "fingerprint": index.fingerprint(),
    }


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            path.unlink()
