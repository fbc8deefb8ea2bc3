"""Job `check_model`: load an imported checkpoint, and offer it to its importer if it loads."""

from __future__ import annotations

from typing import cast

from sqlalchemy.orm import Session

from app.db import models as rows
from app.db.documents import Card
from app.db.tables import utcnow
from app.jobs.parameters import CheckModelJob
from app.storage import keys
from ml import checkpoint as checkpoints
from ml.catalogue import CatalogueEntry
from ml.errors import MlError
from worker.context import Context
from worker.handlers import handles


@handles(CheckModelJob)
def check_model(params: CheckModelJob, context: Context) -> None:
    """Store the model's card, private to its importer.

    Raises:
        MlError: The model does not load; its files are deleted.
    """
    blobs = context.runtime.blobs
    path = blobs.path(keys.imported_model(params.model_id))
    try:
        checkpoint = checkpoints.read(path)
        entry = CatalogueEntry.of(checkpoint, params.model_id, title=params.title)
        if checkpoint.kind == checkpoints.CLIP:
            checkpoints.load_video(checkpoint)
        else:
            checkpoints.load_network(checkpoint)
    except MlError:
        blobs.delete_prefix(keys.import_folder(params.model_id))
        raise
    card = entry.card()

    def write(session: Session) -> None:
        source = {"kind": "import", "imported_at": utcnow().isoformat()}
        position = rows.next_position(session)
        facts = {
            "head": "trained",
            "position": position,
            "default": False,
            rows.SOURCE: source,
            rows.PRIVATE: params.user_id,
        }
        rows.put(session, cast("Card", {**card, **facts}))

    context.commit(1.0, "Imported", write)
