"""Schemas of datasets. Their field names are part of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, StringConstraints

from app.web.http.schemas import Answer, Id, RequestBody, State, Whole, example

DATASET_ID = "5d2f9c81a6e04b7394c1d8e2f7a0b653"
LINKS = {
    "self": f"/api/v1/datasets/{DATASET_ID}",
    "events": f"/api/v1/datasets/{DATASET_ID}/events",
    "images": f"/api/v1/datasets/{DATASET_ID}/images",
    "page": f"/datasets/{DATASET_ID}",
}
EXAMPLE: dict[str, Any] = {
    "id": DATASET_ID,
    "name": "cats and dogs",
    "source": "archive",
    "kind": "images",
    "state": "succeeded",
    "progress": 1.0,
    "message": "58 images",
    "revision": 7,
    "error": None,
    "detail": None,
    "classes": [{"name": "cat", "train": 24, "val": 6}, {"name": "dog", "train": 22, "val": 6}],
    "train_images": 46,
    "val_images": 12,
    "bytes": 3145728,
    "report": {
        "broken": [{"name": "cat/17.jpg", "reason": "The file is cut off or damaged."}],
        "duplicates": [{"names": ["dog/1.jpg", "dog/copy.jpg"], "splits": ["train", "train"]}],
        "left_out": [{"name": "cat/clip.mp4", "reason": "the other files are images"}],
        "counts": {"broken": 1, "duplicates": 1, "left_out": 1},
        "split": "made",
        "seed": 0,
        "val_share": 0.2,
    },
    "fingerprint": "0a9f3b77c58e4d21b6e0f5c4d3a2918076f5e4d3c2b1a0f9e8d7c6b5a4938271",
    "created_at": "2026-01-15T09:30:00Z",
    "created_by": "admin",
    "links": LINKS,
}

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)]
Seed = Annotated[Whole, Field(ge=0, le=2**31 - 1, description="Of the split made by the server.")]
ValShare = Annotated[
    float,
    Strict(),
    Field(ge=0.01, le=0.9, description="Share of each class that is kept to validate on."),
]


class DatasetClass(Answer):
    """A class, and its number of images or clips in each split."""

    name: str
    train: int
    val: int


class ReportLine(Answer):
    """A file and what is wrong with it."""

    name: str
    reason: str


class SameContent(Answer):
    """Files with the same content and their splits; at most eight are named."""

    names: list[str]
    splits: list[str]


class ReportCounts(Answer):
    """Numbers of entries, of which at most 100 are listed."""

    broken: int = 0
    duplicates: int = 0
    left_out: int = 0


class DatasetReport(Answer):
    """What the import left out, and duplicates."""

    broken: list[ReportLine] = Field(default_factory=list)
    duplicates: list[SameContent] = Field(default_factory=list)
    left_out: list[ReportLine] = Field(default_factory=list)
    counts: ReportCounts = Field(default_factory=ReportCounts)
    split: Literal["given", "made"] = Field(
        default="given", description="`made`: by the server, by content, class by class."
    )
    seed: int = 0
    val_share: float = 0.2


class DatasetLinks(Answer):
    """Addresses of the dataset; append `/{split}/{index}` to `images`."""

    self: str
    events: str
    images: str
    page: str


class Dataset(Answer):
    """Labelled images or clips, checked by their import, whose state is `state`."""

    model_config = example(EXAMPLE)

    id: Id
    name: str
    source: Literal["archive", "folder", "imagenette"]
    kind: Literal["images", "clips"] = Field(description="Known when the import has ended.")
    state: State
    progress: float = Field(ge=0, le=1)
    message: str | None
    revision: int = Field(description="Grows with every visible change.")
    error: str | None
    detail: str | None
    classes: list[DatasetClass]
    train_images: int
    val_images: int
    bytes: int
    report: DatasetReport
    fingerprint: str | None = Field(description="Equal for equal images and classes.")
    created_at: datetime
    created_by: str
    links: DatasetLinks


class Options(RequestBody):
    """Name of a dataset, and how to split it if it is not split."""

    name: Name = ""
    val_share: ValShare = 0.2
    seed: Seed = 0


class FromFolder(Options):
    """A folder on the server to read in place."""

    model_config = example({"folder": "imagenette160"})

    folder: str = Field(
        min_length=1, max_length=1024, description="Under SIGHTLINE_DATA; see `/datasets/folders`."
    )


class FromImagenette(RequestBody):
    """Which Imagenette to download."""

    model_config = example({"size": "160px"})

    size: Literal["160px", "320px", "full"] = "160px"
    name: Name = ""
