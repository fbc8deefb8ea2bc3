"""Lists the files of an archive or a folder, hashes them, and has them verified."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from app.core.errors import DiskFull
from app.core.settings import MIB, Settings
from app.datasets.importing.archives import ArchiveEntry, EntryDamaged, entries, too_many
from app.datasets.importing.encodings import Encoding, EntryNames
from app.datasets.importing.folders import Listing, walk
from app.datasets.importing.names import is_archive, split_name
from app.datasets.importing.report import Report
from app.datasets.importing.verifier import Size, Verdict, Verifier
from app.storage.blobs import BlobStore, no_space_is_disk_full
from ml.layouts.names import Parts, ending, is_clip, is_image, is_os_metadata

CHUNK = 256 * 1024
DISK_CHECK_BYTES = 64 * MIB
LINK = "it is a link or a device: only ordinary files are read"
UNNAMED = "its name is not UTF-8: rename it"
NOT_AN_IMAGE = "by its name it is neither an image nor a clip"
NESTED = "archives inside of the archive are not opened: pack their folders directly"
SHARD = "it is of a WebDataset, which is not read: unpack the shards to a folder for each class"
TABLE = "tables are not read: if it has the labels, make a folder for each class"
TABLES = frozenset((".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx"))
NUMBERED_TAR = re.compile(r"\d{3,}\.tar(\.gz)?$", re.IGNORECASE)
ReportProgress = Callable[[float, str], None]


@dataclass(slots=True)
class StagedFile:
    """A file that may be an image or a clip: its place on the disk, and its content's hash."""

    parts: Parts
    where: str
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The name with its folders."""
        return "/".join(self.parts)


@dataclass
class StagedFiles:
    """The files and folders of a dataset-to-be, and what the verifier found."""

    files: list[StagedFile] = field(default_factory=list)
    folders: list[Parts] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)  # by hash
    encoding: Encoding | None = None  # of the names, if the archive does not say

    def size_of(self, file: StagedFile) -> Size:
        """Return the size of a file that was verified."""
        verdict = self.verdicts[file.sha256]
        assert not isinstance(verdict, str)
        return verdict[:3]

    def dump(self, base: Path) -> dict[str, Any]:
        """Return it as JSON; places are relative to `base`."""
        files = [
            ["/".join(f.parts), os.path.relpath(f.where, base), f.bytes, f.sha256]
            for f in self.files
        ]
        folders = ["/".join(parts) for parts in self.folders]
        known = {"verdicts": self.verdicts, "encoding": self.encoding}
        return {"files": files, "folders": folders, **known}

    @classmethod
    def load(cls, stored: Mapping[str, Any], base: Path) -> Self:
        """Return what was dumped."""
        files = [
            StagedFile(tuple(name.split("/")), str(base / where), size, sha256)
            for name, where, size, sha256 in stored["files"]
        ]
        verdicts: dict[str, Verdict] = {
            sha256: verdict if isinstance(verdict, str) else (*verdict, None)[:4]  # once of three
            for sha256, verdict in stored["verdicts"].items()
        }
        folders = [tuple(name.split("/")) for name in stored["folders"]]
        return cls(files, folders, verdicts, stored["encoding"])


class Staging:
    """Stages files while earlier ones are being verified."""

    def __init__(
        self, blobs: BlobStore, settings: Settings, report: Report, check: Callable[[], None]
    ) -> None:
        self._blobs = blobs
        self._settings = settings
        self._report = report
        self._check = check
        self._staged = StagedFiles()
        self._read_bytes = 0
        self._next_disk_check = 0
        self._known: set[str] = set()
        self._share = 0.0

    def archive(
        self, path: Path, folder: Path, tell: ReportProgress, encoding: Encoding | None
    ) -> StagedFiles:
        """Copy the images of an archive into `folder`, under numbers, and verify them."""
        size, names = max(1, path.stat().st_size), EntryNames(encoding)
        with closing(Verifier(self._settings)) as verifier:
            for entry in entries(path, self._settings, names):
                self._check()
                parts = split_name(entry.name)
                if parts and not is_os_metadata(parts):
                    self._take_entry(entry, parts, folder, verifier)
                self._tell(tell, verifier, self._read_bytes / size)
            self._staged.encoding = names.encoding
            return self._finish(verifier, tell)

    def tree(self, top: Path, root: Path, tell: ReportProgress) -> StagedFiles:
        """Hash and verify the images under `top` where they lie; links may not leave `root`."""
        listings = list(self._walk(top, root))
        size = max(1, sum(listing.size for listing in listings))
        with closing(Verifier(self._settings)) as verifier:
            for listing in listings:
                self._check()
                self._take_listing(listing, verifier)
                self._tell(tell, verifier, self._read_bytes / size)
            return self._finish(verifier, tell)

    def _walk(self, top: Path, root: Path) -> Iterator[Listing]:
        for count, listing in enumerate(walk(top, root), start=1):
            self._check()
            if count > self._settings.max_dataset_files:
                raise too_many(self._settings.max_dataset_files)
            if listing.kind == "folder":
                self._staged.folders.append(listing.parts)
            elif self._is_wanted(listing.kind, listing.parts, listing.size):
                yield listing

    def _take_entry(
        self, entry: ArchiveEntry, parts: Parts, folder: Path, verifier: Verifier
    ) -> None:
        if entry.kind == "folder":
            self._staged.folders.append(parts)
        elif self._is_wanted(entry.kind, parts, 0):
            target = folder / f"{len(self._staged.files):06d}"
            if (copied := self._copy(entry, parts, target)) is not None:
                self._keep(parts, target, *copied, verifier)

    def _take_listing(self, listing: Listing, verifier: Verifier) -> None:
        digest = hashlib.sha256()
        with listing.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                self._check()
                digest.update(chunk)
        self._read_bytes += listing.size
        self._keep(listing.parts, listing.path, listing.size, digest.hexdigest(), verifier)

    def _keep(self, parts: Parts, path: Path, size: int, sha256: str, verifier: Verifier) -> None:
        self._staged.files.append(StagedFile(parts, str(path), size, sha256))
        if sha256 not in self._known:  # the same content need not be decoded again
            self._known.add(sha256)
            verifier.add(sha256, path, size, clip=is_clip(parts))

    def _is_wanted(self, kind: str, parts: Parts, size: int) -> bool:
        name = "/".join(parts)
        if kind == "link":
            self._report.left_out(name, LINK)
        elif kind == "unnamed":
            self._report.left_out(name, UNNAMED)
        elif is_archive(parts):
            self._report.left_out(name, SHARD if NUMBERED_TAR.search(parts[-1]) else NESTED)
        elif not is_image(parts) and not is_clip(parts):
            self._report.left_out(name, _no_example(parts))
        elif size > (most := self._most(parts)):
            self._report.broken(name, _too_large(most))
        else:
            return True
        return False

    def _copy(self, entry: ArchiveEntry, parts: Parts, target: Path) -> tuple[int, str] | None:
        """Write one entry to a file; None, and a line in the report, if it is not used."""
        digest, size = hashlib.sha256(), 0
        most = self._most(parts)
        reason = _too_large(most)
        try:
            with no_space_is_disk_full(), target.open("wb") as file:
                while chunk := entry.read(CHUNK):
                    self._check()
                    self._check_disk(len(chunk))
                    size += len(chunk)
                    if size > most:
                        break
                    digest.update(chunk)
                    file.write(chunk)
                else:
                    return size, digest.hexdigest()
        except EntryDamaged:
            reason = "its data in the archive are damaged"
        target.unlink(missing_ok=True)
        self._report.broken("/".join(parts), reason)
        return None

    def _check_disk(self, count: int) -> None:
        self._read_bytes += count
        if self._read_bytes >= self._next_disk_check:
            self._next_disk_check = self._read_bytes + DISK_CHECK_BYTES
            if self._blobs.free_bytes() < self._settings.min_free_bytes:
                raise DiskFull

    def _most(self, parts: Parts) -> int:
        settings = self._settings
        return settings.max_clip_bytes if is_clip(parts) else settings.max_image_bytes

    def _tell(self, tell: ReportProgress, verifier: Verifier, read: float) -> None:
        """Report the progress: reading is a third, decoding the rest; it never falls."""
        known = max(1, len(self._known))
        done = min(1.0, read) * (1 + 2 * len(verifier.verdicts) / known) / 3
        self._share = max(self._share, done)
        tell(self._share, f"{len(self._staged.files):,} files read")

    def _finish(self, verifier: Verifier, tell: ReportProgress) -> StagedFiles:
        verifier.flush()
        while not verifier.done(0.1):
            self._check()
            self._tell(tell, verifier, 1.0)
        self._staged.verdicts = verifier.verdicts
        return self._staged


def _no_example(parts: Parts) -> str:
    """Return why a file that is neither image nor clip is left out."""
    if ending(parts) == ".cls":
        return SHARD
    return TABLE if ending(parts) in TABLES else NOT_AN_IMAGE


def _too_large(most: int) -> str:
    return f"it is larger than {most / MIB:.3g} MB"
