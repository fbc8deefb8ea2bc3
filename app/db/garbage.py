"""Queries that remove analyses and media, and say which blobs nobody points at any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db.tables import Analysis, Heatmap, Job, Media, utcnow
from app.db.training_tables import Dataset, TrainingRun, Trial

BATCH = 500
FLOW = "flow-"  # start of the names of a clip's computed flow, beside the clip itself
TIMES = "times.json"  # when the clip's frames are shown, beside the clip too
BESIDE_MAPS = ("frame-", "flow.npy")  # of a clip's analysis, in the folder of its maps


def analyses_of(session: Session, media_id: str) -> list[Analysis]:
    """Return all analyses of a medium."""
    return list(session.scalars(select(Analysis).where(Analysis.media_id == media_id)))


def remove_analyses(session: Session, analyses: Sequence[Analysis]) -> set[str]:
    """Remove analyses and their jobs; return the blobs that their maps pointed at.

    A worker that is busy with one notices that its job is gone, and stops.
    """
    ids = [analysis.id for analysis in analyses]
    jobs = [analysis.job_id for analysis in analyses]
    # In the order in which a worker takes them: it finishes its commit first, or finds nothing.
    session.execute(select(Job.id).where(Job.id.in_(jobs)).with_for_update())
    session.execute(select(Analysis.id).where(Analysis.id.in_(ids)).with_for_update())
    keys = set(session.scalars(select(Heatmap.blob_key).where(Heatmap.analysis_id.in_(ids))))
    session.execute(delete(Analysis).where(Analysis.id.in_(ids)))
    session.execute(delete(Job).where(Job.id.in_(jobs)))
    return keys


def remove_media(session: Session, media: Media) -> None:
    """Remove a medium's row."""
    session.execute(delete(Media).where(Media.id == media.id))


def remove_old_jobs(session: Session, days: float) -> None:
    """Remove jobs that ended so long ago and belong to nothing: drawn figures, for example."""
    ended = Job.finished_at < utcnow() - timedelta(days=days)
    owners = (Analysis, Dataset, Trial, TrainingRun)
    free = [Job.id.not_in(select(owner.job_id)) for owner in owners]
    session.execute(delete(Job).where(ended, *free))


def unreferenced(session: Session, keys: Iterable[str]) -> set[str]:
    """Return those of the blobs that no row points at."""
    left = iter(keys)
    unknown: set[str] = set()
    while batch := set(islice(left, BATCH)):
        unknown |= batch - _known(session, batch)
    return unknown


def _known(session: Session, keys: set[str]) -> set[str]:
    known = set(session.scalars(select(Heatmap.blob_key).where(Heatmap.blob_key.in_(keys))))
    known |= set(session.scalars(select(Media.blob_key).where(Media.blob_key.in_(keys))))
    known |= set(session.scalars(select(Media.view_key).where(Media.view_key.in_(keys))))
    known |= set(session.scalars(select(Media.playable_key).where(Media.playable_key.in_(keys))))
    known |= _of_living(keys, "figures/", partial(_living, session, Analysis))
    known |= _of_living(keys, "media/", partial(_living, session, Media), FLOW, TIMES)
    return known | _of_living(keys, "maps/", partial(_with_maps, session), *BESIDE_MAPS)


def _of_living(
    keys: set[str], prefix: str, find: Callable[[set[str]], set[str]], *starts: str
) -> set[str]:
    """Return the blobs `prefix ID / name` whose ID `find` knows, of names with these starts."""
    folders = {key: key.split("/")[1] for key in keys if key.startswith(prefix)}
    if starts:
        folders = {key: i for key, i in folders.items() if key.split("/")[2].startswith(starts)}
    living = find(set(folders.values())) if folders else set()
    return {key for key, folder in folders.items() if folder in living}


def _living(session: Session, table: type[Analysis] | type[Media], ids: set[str]) -> set[str]:
    return set(session.scalars(select(table.id).where(table.id.in_(ids))))


def _with_maps(session: Session, ids: set[str]) -> set[str]:
    """Return those of the folders of maps in which a row's map lies."""
    own = select(Heatmap.analysis_id).where(Heatmap.analysis_id.in_(ids)).distinct()
    found = set(session.scalars(own))
    return found | {one for one in ids - found if _lent(session, one)}


def _lent(session: Session, analysis_id: str) -> bool:
    """Whether maps of an analysis that is gone answer another one. Looks at all rows."""
    lent = Heatmap.blob_key.startswith(f"maps/{analysis_id}/")
    return session.scalar(select(Heatmap.id).where(lent).limit(1)) is not None
