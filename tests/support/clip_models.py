"""Clips that are made here, tiny models of clips, and a server that has both."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import torch
from av.video.stream import VideoStream
from sqlalchemy.orm import Session, sessionmaker

from app.db import models as cards
from app.db.tables import Analysis, Media, new_id, utcnow
from app.jobs.parameters import (
    AnalysisRequest,
    ClipOptions,
    flow_key,
)
from app.storage import keys
from app.storage.blobs import BlobStore
from ml import checkpoint as checkpoints
from ml.catalogue import CatalogueEntry
from ml.networks.video.base import VideoSpec, build_video
from tests.support.backend import OWNER, Server

CLASSES = ("still", "moving", "both")
BOX = 32  # pixels


class Place(Protocol):
    """What a server's inside or its web part has."""

    sessions: sessionmaker[Session]
    blobs: BlobStore


@cache
def film(seed: int = 0, seconds: float = 2.0, size: tuple[int, int] = (96, 72)) -> bytes:
    """An MP4 of noise over which a box goes to the right, 15 frames a second."""
    random = np.random.default_rng(seed)
    width, height = size
    ground = random.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    ground = ground.repeat(8, 0).repeat(8, 1)
    box = random.integers(0, 255, (BOX // 4, BOX // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=15, options={"preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for n in range(round(15 * seconds)):
            pixels = ground.copy()
            x = (2 * n) % (width - BOX)
            pixels[20 : 20 + BOX, x : x + BOX] = box
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 15)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@cache
def checkpoint(folder: Path, model_id: str, mechanism: str, architecture: str) -> CatalogueEntry:
    """A model with random weights, as training leaves one."""
    torch.manual_seed(len(model_id))
    spec = VideoSpec(architecture=architecture, mechanism=mechanism, classes=len(CLASSES))
    about = {**checkpoints.describe_video(spec), "classes": list(CLASSES), "input_size": 224}
    found = checkpoints.save(build_video(spec), folder / f"{model_id}.safetensors", about)
    return CatalogueEntry(model_id, 300, model_id, mechanism, found.sha256, found.path, found.about)


def publish(
    place: Place,
    folder: Path,
    model_id: str,
    mechanism: str = "gated",
    architecture: str = "two_stream",
) -> str:
    """Offer a model of clips, as when an admin has imported it."""
    entry = checkpoint(folder, model_id, mechanism, architecture)
    place.blobs.put(keys.imported_model(model_id), entry.path.read_bytes())
    about = entry.path.with_suffix(".json").read_bytes()
    place.blobs.put(keys.imported_card(model_id), about)
    source = {"kind": "import", "imported_at": utcnow().isoformat()}
    with place.sessions.begin() as session:
        cards.put(session, {**entry.card(), cards.SOURCE: source})
    return model_id


def add_clip(server: Server, data: bytes, owner: str = OWNER) -> str:
    """A clip as an upload leaves it."""
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
