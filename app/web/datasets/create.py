"""Creates datasets, whose import is a job."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.core.errors import Unprocessable
from app.db.tables import new_id
from app.db.training_tables import Dataset
from app.jobs import service
from app.jobs.parameters import ImportDatasetJob
from app.media.uploads import clean_name
from app.web.datasets.schemas import Options

ENDINGS = re.compile(r"\.(zip|tar|tgz|txz|tbz2?|tar\.(gz|xz|bz2))$", re.IGNORECASE)
Source = Literal["archive", "folder", "imagenette"]


def add(
    session: Session, source: Source, name: str, created_by: str, options: Options, **more: Any
) -> Dataset:
    """Add a dataset and queue its import; `more` are parameters of the job."""
    row = Dataset(
        id=new_id(),
        name=clean_name(name) if source == "archive" else name[:120],
        source=source,
        created_by=created_by[:64],
        report={"seed": options.seed, "val_share": options.val_share},
    )
    split = {"seed": options.seed, "val_share": options.val_share}
    reading = {"review": options.review, "encoding": options.encoding}
    job = ImportDatasetJob(dataset_id=row.id, source=source, **split, **reading, **more)
    row.job = service.enqueue(session, job, owner=created_by[:64])
    session.add(row)
    session.flush()
    return row


def options_of(fields: dict[str, str]) -> Options:
    """Return the options of a form; Unprocessable if one is wrong."""
    values: dict[str, Any] = {"name": fields.get("name", "")}
    values |= {key: _number(fields[key]) for key in ("val_share", "seed") if fields.get(key)}
    if fields.get("encoding"):
        values["encoding"] = fields["encoding"]
    if fields.get("review"):
        values["review"] = {"true": True, "false": False}.get(fields["review"], fields["review"])
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        raise Unprocessable(f"{problem['loc'][0]}: {problem['msg']}.") from None


def _number(text: str) -> int | float | str:
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text  # the schema rejects it


def name_of_archive(filename: str) -> str:
    """Return a name for a dataset: its archive's, without the ending."""
    return ENDINGS.sub("", clean_name(filename)) or "dataset"
