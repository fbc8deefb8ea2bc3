"""Job `check_model`: try an imported checkpoint on pictures, and offer it to its importer."""

from __future__ import annotations

from typing import cast

from sqlalchemy.orm import Session

from app.db import models as rows
from app.db.documents import Card
from app.db.tables import utcnow
from app.jobs.parameters import CheckModelJob
from app.storage import keys
from ml import catalogue
from ml import checkpoint as checkpoints
from ml.catalogue import CatalogueEntry
from ml.errors import MlError
from ml.explain import soundness
from worker.context import Context
from worker.handlers import handles

# What torch and our own layers raise for parameters that make no network.
BUILDING = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@handles(CheckModelJob)
def check_model(params: CheckModelJob, context: Context) -> None:
    """Store the model's card, private to its importer.

    Raises:
        MlError: The model does not load, or cannot answer; its files are deleted.
    """
    blobs = context.runtime.blobs
    path = blobs.path(keys.imported_model(params.model_id))
    try:
        checkpoint = checkpoints.read(path)
        entry = CatalogueEntry.of(checkpoint, params.model_id, title=params.title)
        soundness.check_size(checkpoint)
        model = catalogue.load(entry, context.runtime.models.device)
        context.check()
        soundness.check_answers(model, clip=checkpoint.kind == checkpoints.CLIP)
    except MlError:
        blobs.delete_prefix(keys.import_folder(params.model_id))
        raise
    except BUILDING as error:
        blobs.delete_prefix(keys.import_folder(params.model_id))
        raise MlError(f"A network cannot be built from this card: {error}.") from error
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
