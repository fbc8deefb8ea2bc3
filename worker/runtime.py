"""Everything that the jobs of one worker process share."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions
from app.db.migrate import upgrade
from app.jobs.doorbell import Doorbell, attach
from app.jobs.parameters import INFERENCE
from app.jobs.reaper import Reaper
from app.media.decoder.client import Decoder
from app.storage.blobs import BlobStore, LocalBlobs
from worker.capabilities import find_published, offer_methods, offer_training, publish
from worker.model_cache import ModelCache


@dataclass
class Runtime:
    """The parts of a running worker, which claims jobs under `name`."""

    name: str
    settings: Settings
    sessions: sessionmaker[Session]
    readers: sessionmaker[Session]
    blobs: BlobStore
    decoder: Decoder
    models: ModelCache
    stopping: threading.Event = field(default_factory=threading.Event)


def make_runtime(
    settings: Settings,
    name: str,
    doorbell: Doorbell | None = None,
    queues: Collection[str] = (INFERENCE,),
) -> Runtime:
    """Migrate the database, publish this worker's models and capabilities, requeue lost jobs."""
    engine = make_engine(settings)
    upgrade(engine, settings)
    sessions = make_sessions(engine)
    if doorbell is not None:
        attach(sessions, doorbell)
    readers = make_sessions(engine, read=True)
    blobs = LocalBlobs(settings.blob_dir)
    models = ModelCache(settings, partial(find_published, readers, blobs))
    if INFERENCE in queues:
        publish(sessions, models.entries)
    offer_methods(sessions)
    offer_training(sessions, settings.weights_dirs)
    Reaper(sessions, settings).tick()
    decoder = Decoder(settings)
    decoder.warm()
    return Runtime(
        name=name,
        settings=settings,
        sessions=sessions,
        readers=readers,
        blobs=blobs,
        decoder=decoder,
        models=models,
    )
