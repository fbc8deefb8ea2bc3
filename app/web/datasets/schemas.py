"""Schemas of datasets. Their field names are part of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, StringConstraints

from app.datasets.importing.encodings import Encoding
from app.jobs.parameters import PlanDecisions
from app.web.http.schemas import Answer, Id, RequestBody, State, Whole, example

DATASET_ID = "5d2f9c81a6e04b7394c1d8e2f7a0b653"
LINKS = {
    "self": f"/api/v1/datasets/{DATASET_ID}",
    "events": f"/api/v1/datasets/{DATASET_ID}/events",
    "images": f"/api/v1/datasets/{DATASET_ID}/images",
    "plan": f"/api/v1/datasets/{DATASET_ID}/plan",
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
        "broken": [{"name": "cat/17.jpg", "reason": "The file is cut off or damaged.", "files": 1}],
        "duplicates": [{"names": ["dog/1.jpg", "dog/copy.jpg"], "splits": ["train", "train"]}],
        "left_out": [{"name": "cat/clip.mp4", "reason": "the other files are images", "files": 1}],
        "conflicts": [{"names": ["cat/3.jpg", "dog/9.jpg"], "classes": ["cat", "dog"]}],
        "noted": [],
        "counts": {"broken": 1, "duplicates": 1, "left_out": 1, "conflicts": 1, "noted": 0},
        "encoding": None,
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
    """A file, or a folder with so many files, and why it is not used, or how it was read."""

    name: str
    reason: str
    files: int = 1


class SameContent(Answer):
    """Files with the same content and their splits; at most eight are named."""

    names: list[str]
    splits: list[str]


class ConflictLine(Answer):
    """Files with the same content in several classes; at most eight are named."""

    names: list[str]
    classes: list[str]


class ReportCounts(Answer):
    """Numbers of entries, of which at most 100 are listed."""

    broken: int = 0
    duplicates: int = 0
    left_out: int = 0
    conflicts: int = 0
    noted: int = 0


class DatasetReport(Answer):
    """What the import left out, duplicates, and images that were read with a note."""

    broken: list[ReportLine] = Field(default_factory=list)
    duplicates: list[SameContent] = Field(default_factory=list)
    left_out: list[ReportLine] = Field(default_factory=list)
    conflicts: list[ConflictLine] = Field(default_factory=list)
    noted: list[ReportLine] = Field(
        default_factory=list,
        description="Files that are used; `reason` is what was guessed or left out in reading.",
    )
    counts: ReportCounts = Field(default_factory=ReportCounts)
    split: Literal["given", "made"] = Field(
        default="given", description="`made`: by the server, by content, class by class."
    )
    encoding: str | None = Field(
        default=None, description="Of the archive's names, if it does not declare them UTF-8."
    )
    seed: int = 0
    val_share: float = 0.2


class DatasetLinks(Answer):
    """Addresses of the dataset; append `/{split}/{index}` to `images`."""

    self: str
    events: str
    images: str
    plan: str
    page: str


class Dataset(Answer):
    """Labelled images or clips, checked by their import, whose state is `state`."""

    model_config = example(EXAMPLE)

    id: Id
    name: str
    source: Literal["archive", "folder", "imagenette"]
    kind: Literal["images", "clips"] = Field(description="Known when the import has ended.")
    state: Literal[State, "paused"] = Field(description="`paused`: it waits for your decision.")
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
    """Name of a dataset, and how to read it."""

    name: Name = ""
    val_share: ValShare = 0.2
    seed: Seed = 0
    review: bool = Field(
        default=False, description="Wait with a plan, once all is read, for `confirm`."
    )
    encoding: Encoding | None = Field(
        default=None, description="Of an archive's names that are not UTF-8; detected if null."
    )


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


Use = Literal["train", "val", "divide"]


class PlanFolder(Answer):
    """A folder, with those below, and what it is used for."""

    folder: str
    root: str = Field(description="The split's folder, or the one that all classes lie in.")
    files: int
    use: Use | None = Field(description="`divide`: into both, by content; null: left out.")
    class_name: str | None
    reason: str | None = Field(description="Why it is left out.")


class PlanConflict(Answer):
    """Files with the same content in several classes: left out, unless you decide."""

    sha256: str
    names: list[str]
    classes: list[str]


class Plan(Answer):
    """What the import would make of what it has read; nothing is made yet."""

    kind: Literal["images", "clips"]
    question: str | None = Field(description="What only you can answer.")
    problem: str | None = Field(description="Why it cannot be trained on as it is.")
    folders: list[PlanFolder] = Field(description="At most 5000.")
    classes: list[DatasetClass]
    conflicts: list[PlanConflict] = Field(description="At most 100.")
    encoding: str | None = Field(description="Of the archive's names, if it does not say.")
    encodings: dict[str, str] = Field(description="Those to choose from, with their titles.")
    report: DatasetReport


class Confirmation(RequestBody, PlanDecisions):
    """Your decisions. With another `encoding` the archive is read again, to a new plan."""

    model_config = example(
        {
            "folders": [
                {"folder": "test", "use": "left_out"},
                {"folder": "train/cat", "class_name": "house cat"},
            ],
            "conflicts": {"0a9f": "dog"},
        }
    )

    encoding: Encoding | None = None
