"""Deletes analyses and media, and the files that no row refers to any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import garbage
from app.db.hooks import after_commit
from app.db.tables import Analysis, Heatmap, Media
from app.storage import keys as names
from app.storage.blobs import BlobStore

SETTLED_SECONDS = 3600.0  # a file younger than this may still be waiting for its row
FOLDERS = (names.MEDIA, names.MAPS, names.FIGURES)
BATCH = 500  # keys in one query


def delete_analysis(session: Session, blobs: BlobStore, analysis: Analysis) -> None:
    """Delete an analysis and its job, and after the commit its files."""
    known = garbage.remove_analyses(session, [analysis])
    written = blobs.keys(names.map_folder(analysis.id))  # also what a killed worker left
    _remove(session, blobs, {*known, *written})
    after_commit(session, partial(blobs.delete_prefix, names.figure_folder(analysis.id)))


def delete_media(session: Session, blobs: BlobStore, media: Media) -> None:
    """Delete a medium and its analyses."""
    for analysis in garbage.analyses_of(session, media.id):
        delete_analysis(session, blobs, analysis)
    garbage.remove_media(session, media)
    after_commit(session, partial(blobs.delete_prefix, names.media_folder(media.id)))


def sweep(session: Session, blobs: BlobStore, older_than: float = SETTLED_SECONDS) -> int:
    """Delete files that no row refers to, which killed processes left; return how many."""
    keys = [key for folder in FOLDERS for key in blobs.keys(folder, older_than)]
    unknown = unreferenced(session, keys)
    for key in unknown:
        blobs.delete(key)
    return len(unknown)


def discard_unfinished(session: Session, blobs: BlobStore, analysis_id: str) -> None:
    """Delete the maps of an analysis that a worker wrote without making rows for them."""
    for key in unreferenced(session, blobs.keys(names.map_folder(analysis_id))):
        blobs.delete(key)


def _remove(session: Session, blobs: BlobStore, keys: Iterable[str]) -> None:
    keys = set(keys)
    unknown = unreferenced(session, keys)
    for key in unknown:
        after_commit(session, partial(blobs.delete, key))
    used = {key.rpartition("/")[0] for key in keys - unknown}
    for folder in {key.rpartition("/")[0] for key in unknown} - used:
        after_commit(session, partial(blobs.delete_prefix, folder))  # a clip's frames and flow


def unreferenced(session: Session, keys: Iterable[str]) -> set[str]:
    """Return those of the blobs that no row refers to."""
    remaining = iter(keys)
    unknown: set[str] = set()
    while batch := set(islice(remaining, BATCH)):
        unknown |= batch - _known(session, batch)
    return unknown


def _known(session: Session, keys: set[str]) -> set[str]:
    known = set(session.scalars(select(Heatmap.blob_key).where(Heatmap.blob_key.in_(keys))))
    known |= set(session.scalars(select(Media.blob_key).where(Media.blob_key.in_(keys))))
    known |= set(session.scalars(select(Media.view_key).where(Media.view_key.in_(keys))))
    known |= set(session.scalars(select(Media.playable_key).where(Media.playable_key.in_(keys))))
    known |= _of_living(keys, names.FIGURES, partial(_living, session, Analysis))
    media = partial(_living, session, Media)
    known |= _of_living(keys, names.MEDIA, media, names.CLIP_FLOW, names.FRAME_TIMES)
    maps = partial(_with_maps, session)
    return known | _of_living(keys, names.MAPS, maps, names.SNIPPET_FRAME, names.MEAN_FLOW)


def _of_living(
    keys: set[str], parent: str, find: Callable[[set[str]], set[str]], *starts: str
) -> set[str]:
    """Return the blobs `parent / ID / name` whose ID `find` knows, of names with these starts."""
    folders = {key: key.split("/")[1] for key in keys if key.startswith(f"{parent}/")}
    if starts:
        folders = {key: i for key, i in folders.items() if key.split("/")[2].startswith(starts)}
    living = find(set(folders.values())) if folders else set()
    return {key for key, folder in folders.items() if folder in living}


def _living(session: Session, table: type[Analysis] | type[Media], ids: set[str]) -> set[str]:
    return set(session.scalars(select(table.id).where(table.id.in_(ids))))


def _with_maps(session: Session, ids: set[str]) -> set[str]:
    """Return those of the folders of maps that hold a row's map."""
    query = select(Heatmap.analysis_id).where(Heatmap.analysis_id.in_(ids)).distinct()
    owned = set(session.scalars(query))
    return owned | {id_ for id_ in ids - owned if _is_shared(session, id_)}


def _is_shared(session: Session, analysis_id: str) -> bool:
    """Return True if another analysis uses maps of this deleted one. Reads all rows."""
    is_inside = Heatmap.blob_key.startswith(f"{names.map_folder(analysis_id)}/")
    return session.scalar(select(Heatmap.id).where(is_inside).limit(1)) is not None
