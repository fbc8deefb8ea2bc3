"""The files of a dataset: a JSON blob that is written once, when the import ends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from app.core.errors import NotFound
from app.core.settings import Settings
from app.storage import keys
from app.storage.blobs import BlobStore

Split = Literal["train", "val"]
Kind = Literal["images", "clips"]
SPLITS: tuple[Split, ...] = ("train", "val")
GONE = "The images of this dataset are gone from the server's disk: import it again."
CACHED = 2  # indices of 100,000 images take some 50 MB each


@dataclass(frozen=True, slots=True)
class Image:
    """One labelled image or clip; `n` counts all of the dataset, `name` is only for showing.

    `path` is relative to the allowed root if the dataset is a folder that is read in place.
    """

    n: int
    split: Split
    label: int
    name: str
    sha256: str
    width: int
    height: int
    bytes: int
    path: str | None = None
    seconds: float | None = None  # how long a clip is


@dataclass(frozen=True)
class Index:
    """The images of one dataset, sorted by split, label and name; `label` counts `classes`."""

    dataset_id: str
    classes: tuple[str, ...]
    images: tuple[Image, ...]

    def split(self, name: str) -> list[Image]:
        """Return the images of `train` or `val`; an image's place there is its index."""
        return self._splits[name]

    @property
    def kind(self) -> Kind:
        """What the dataset consists of; never of both."""
        return "clips" if any(image.seconds is not None for image in self.images[:1]) else "images"

    @cached_property
    def _splits(self) -> dict[str, list[Image]]:
        return {name: [image for image in self.images if image.split == name] for name in SPLITS}

    def path(self, blobs: BlobStore, settings: Settings, image: Image) -> Path:
        """Return where an image lies; NotFound if that is no longer inside the root."""
        if image.path is None:
            return blobs.path(keys.dataset_image(self.dataset_id, image.n))
        if settings.data is None:
            raise NotFound("SIGHTLINE_DATA, the folder with this dataset, is not set here.")
        root = settings.data.resolve()
        path = (root / image.path).resolve()
        if not path.is_relative_to(root):
            raise NotFound(GONE)
        return path

    def fingerprint(self) -> str:
        """Return a SHA-256 that is the same for two datasets that would train the same."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for image in self.images:
            digest.update(f"\n{image.split} {image.label} {image.sha256}".encode())
        return digest.hexdigest()


def load(blobs: BlobStore, dataset_id: str) -> Index:
    """Return the index of an imported dataset; NotFound if there is none (yet)."""
    path = blobs.path(keys.dataset_index(dataset_id))
    try:
        return _read(path, path.stat().st_mtime_ns, dataset_id)
    except FileNotFoundError:
        raise NotFound(GONE) from None


def dump(classes: Sequence[str], images: Sequence[Image]) -> bytes:
    """Return the blob's content."""
    records = [{k: v for k, v in asdict(image).items() if v is not None} for image in images]
    whole = {"classes": list(classes), "images": records}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=CACHED)
def _read(path: Path, _modified: int, dataset_id: str) -> Index:
    whole: dict[str, Any] = json.loads(path.read_bytes())
    images = tuple(Image(**record) for record in whole["images"])
    return Index(dataset_id, tuple(whole["classes"]), images)
