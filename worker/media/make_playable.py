"""Job `make_playable`: a copy of a clip that every browser plays, without its metadata."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from app.core.errors import BadMedia, DiskFull, NotFound, TooLarge
from app.db import media as rows
from app.db.hooks import after_rollback
from app.jobs.parameters import MakePlayableJob
from app.media import sharing
from app.storage import keys
from app.storage.blobs import flush
from worker.context import Context
from worker.handlers import handles
from worker.progress import Progress


@handles(MakePlayableJob)
def make_playable(params: MakePlayableJob, context: Context) -> None:
    """Make the copy; if the clip cannot be copied, note that, so that nobody waits for it."""
    runtime = context.runtime
    with runtime.readers() as session:
        media = rows.get(session, params.media_id)
    if media is None:
        raise NotFound("The clip was deleted.")
    if sharing.playable(media, owned=False) != "waiting":
        return  # an earlier try stored the copy, but did not end the job
    if not runtime.blobs.exists(media.blob_key):
        raise NotFound("The clip is gone from the server's disk: upload it again.")
    temporary = runtime.blobs.incoming()
    try:
        _copy(runtime.blobs.path(media.blob_key), temporary, context)
        _keep(media.id, temporary, context)
    except (BadMedia, DiskFull, TooLarge):
        context.commit(1.0, "failed", partial(rows.set_playable, media_id=media.id, key=None))
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _copy(original: Path, target: Path, context: Context) -> None:
    tell = Progress(context)

    def go_on(done: float) -> None:
        context.check()
        tell(done, f"{done:.0%} of the clip is copied")

    context.runtime.decoder.playable_copy(original, target, go_on)
    with target.open("rb") as file:
        flush(file)


def _keep(media_id: str, temporary: Path, context: Context) -> None:
    """Store the copy; if the clip was deleted meanwhile, nothing of it stays."""
    blobs = context.runtime.blobs
    key = keys.playable(media_id)

    def write(session: Session) -> None:
        after_rollback(session, partial(blobs.delete, key))
        if not rows.set_playable(session, media_id, key):
            raise NotFound("The clip was deleted.")
        blobs.put_file(key, temporary)

    context.commit(1.0, "the copy is made", write)
