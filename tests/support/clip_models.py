"""Synthetic clips and tiny models of clips, stored on a server."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from sqlalchemy.orm import Session, sessionmaker

from app.db import models as cards
from app.db.tables import Analysis, Media, new_id, utcnow
from app.jobs.parameters import AnalysisRequest, ClipOptions, flow_key
from app.storage import keys
from app.storage.blobs import BlobStore
from ml import checkpoint as checkpoints
from ml.catalogue import CatalogueEntry
from ml.networks.video.base import VideoSpec, build_video
from tests.support.backend import OWNER, Server
from tests.support.encoding import mp4

CLASSES = ("still", "moving", "both")
BOX = 32  # pixels


class Place(Protocol):
    """The part that the two test servers have in common."""

    sessions: sessionmaker[Session]
    blobs: BlobStore


@cache
def film(seed: int = 0, seconds: float = 2.0, size: tuple[int, int] = (96, 72)) -> bytes:
    """An MP4 of noise over which a box moves to the right, 15 frames per second."""
    random = np.random.default_rng(seed)
    width, height = size
    ground = random.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    ground = ground.repeat(8, 0).repeat(8, 1)
    box = random.integers(0, 255, (BOX // 4, BOX // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    frames = []
    for n in range(round(15 * seconds)):
        x = (2 * n) % (width - BOX)
        frames.append(ground.copy())
        frames[-1][20 : 20 + BOX, x : x + BOX] = box
    return mp4(frames, 15)


@cache
def checkpoint(
    folder: Path, model_id: str, mechanism: str, architecture: str,
    classes: tuple[str, ...] = CLASSES,
) -> CatalogueEntry:  # fmt: skip
    """Store a model with random weights, as training does."""
    torch.manual_seed(len(model_id))
    spec = VideoSpec(architecture=architecture, mechanism=mechanism, classes=len(classes))
    about = {**checkpoints.describe_video(spec), "classes": list(classes), "input_size": 224}
    found = checkpoints.save(build_video(spec), folder / f"{model_id}.safetensors", about)
    return CatalogueEntry(model_id, 300, model_id, mechanism, found.sha256, found.path, found.about)


def publish(
    place: Place,
    folder: Path,
    model_id: str,
    mechanism: str = "gated",
    architecture: str = "two_stream",
) -> str:
    """Publish a model of clips, as the import by an admin does."""
    return put(place, checkpoint(folder, model_id, mechanism, architecture))


def put(place: Place, entry: CatalogueEntry) -> str:
    """Publish a model, as the import by an admin does."""
    model_id = entry.id
    place.blobs.put(keys.imported_model(model_id), entry.path.read_bytes())
    about = entry.path.with_suffix(".json").read_bytes()
    place.blobs.put(keys.imported_card(model_id), about)
    source = {"kind": "import", "imported_at": utcnow().isoformat()}
    with place.sessions.begin() as session:
        cards.put(session, {**entry.card(), cards.SOURCE: source})
    return model_id


def add_clip(server: Server, data: bytes, owner: str = OWNER) -> str:
    """Store a clip, as an upload does; return its id."""
    media_id = new_id()
    key = f"media/{media_id}/original"
    server.blobs.put(key, data)
    facts = server.decoder.inspect(server.blobs.path(key))
    server.blobs.put(f"media/{media_id}/view.jpg", facts.view)
    with server.sessions.begin() as session:
        session.add(
            Media(
                id=media_id,
                owner=owner,
                kind="clip",
                filename="a.mp4",
                format=facts.format,
                content_type=facts.content_type,
                width=facts.width,
                height=facts.height,
                frames=facts.frames,
                fps=facts.fps,
                duration_s=facts.duration_s,
                bytes=len(data),
                sha256="1" * 64,
                blob_key=key,
                view_key=f"media/{media_id}/view.jpg",
                playable="original",
            )
        )
    return media_id


def ask(server: Server, media_id: str, models: list[str], size: int = 96, **options: object) -> str:
    """Enqueue the analysis of a clip and return its identifier."""
    request = AnalysisRequest(
        media_id=media_id,
        models=models,
        methods=["attention", "gradcam"],
        input_size=size,
        fit="shape",
        clip=ClipOptions.model_validate({"segments": 4, **options}),
    )
    return server.enqueue(request)


def flow_of(server: Server, analysis_id: str) -> str:
    """The blob that keeps the flow of an analysis."""
    with server.readers() as session:
        analysis = session.get_one(Analysis, analysis_id)
        return flow_key(analysis.media_id, AnalysisRequest.model_validate(analysis.request))


def forget_flow(server: Server, media_id: str) -> None:
    """Let the next analysis of a clip compute its flow again."""
    for key in list(server.blobs.keys(f"media/{media_id}")):
        if "flow" in key:
            server.blobs.delete(key)
