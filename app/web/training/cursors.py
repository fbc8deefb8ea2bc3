"""Cursors of a study's events: `revision;run:step.epoch.note;...`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.db import training as rows
from app.db.training_tables import TrainingRun

PLACE = re.compile(r"([0-9a-f]{32}):([0-9]{1,15})\.([0-9]{1,15})\.([0-9]{1,15})")


class Place(NamedTuple):
    """The last step, epoch and log line of a run that a client has received."""

    step: int = 0
    epoch: int = 0
    note: int = 0


def of_runs(session: Session, runs: Sequence[TrainingRun]) -> str:
    """Return the cursor behind everything that these runs have stored."""
    notes = rows.last_notes(session, [run.id for run in runs])
    places = {run.id: Place(run.step, run.epoch, notes.get(run.id, 0)) for run in runs}
    return encode(sum(run.job.revision for run in runs), places)


def encode(revision: int, places: Mapping[str, Place]) -> str:
    """Return the cursor of these places, by run id."""
    parts = [f"{run_id}:{'.'.join(map(str, place))}" for run_id, place in places.items()]
    return ";".join([str(revision), *parts])


def decode(cursor: str) -> dict[str, Place]:
    """Return a cursor's places by run id; parts that cannot be read are left out."""
    matches = filter(None, map(PLACE.fullmatch, cursor.split(";")[1:]))
    return {run_id: Place(*map(int, numbers)) for run_id, *numbers in (m.groups() for m in matches)}
