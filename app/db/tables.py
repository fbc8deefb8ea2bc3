"""The tables. Identifiers are 32 random hex digits, so a link is unguessable."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from app.db.documents import Card, ClassScore, ClipScores, Evidence, Problem, Provenance


def new_id() -> str:
    """Return 32 hex digits: 128 random bits."""
    return secrets.token_hex(16)


def utcnow() -> datetime:
    """Return the current time in UTC, with its time zone."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite stores no time zone, so it is added on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        """Return the stored time with its time zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """Base of all tables, with constraint names that Alembic can change on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}


class Media(Base):
    """A photo or a clip that a visitor uploaded."""

    __tablename__ = "media"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(8))  # image | clip
    filename: Mapped[str] = mapped_column(String(255))  # cleaned, for showing only
    format: Mapped[str] = mapped_column(String(16))  # JPEG, PNG, WEBP, ...
    content_type: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]  # pixels as shown, after the EXIF rotation
    height: Mapped[int]
    frames: Mapped[int] = mapped_column(default=1)
    fps: Mapped[float | None]
    duration_s: Mapped[float | None]
    bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    note: Mapped[str | None] = mapped_column(Text)  # e.g. "animated: the first frame is used"
    blob_key: Mapped[str] = mapped_column(String(128))  # the file as it came
    view_key: Mapped[str] = mapped_column(String(128))  # a JPEG of at most 1600 px, to show
    codec: Mapped[str | None] = mapped_column(String(32))  # of a clip: h264, hevc, vp9, ...
    playable: Mapped[str] = mapped_column(
        String(8), default="", server_default=""
    )  # of a clip: original | waiting | ready | failed
    playable_key: Mapped[str | None] = mapped_column(String(128))  # what a browser can play
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


class ModelCard(Base):
    """A model that analyses can use; a worker publishes its models when it starts."""

    __tablename__ = "models"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # plain, l2pa, gated, ...
    position: Mapped[int]  # row order in the table
    checkpoint_sha256: Mapped[str] = mapped_column(String(64))
    card: Mapped[Card] = mapped_column(JSON)  # see ml.catalogue
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class Job(Base):
    """A unit of work for a worker. Only the row counts: a lost message delays it, no more."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_claim", "state", "queue", "lane", "rank", "created_at"),
        Index("ix_jobs_owner", "owner", "state", "queue", "lane", "rank"),
        Index("ix_jobs_started", "queue", "lane", "started_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(32))  # analyse_image | draw_figure | train ...
    queue: Mapped[str] = mapped_column(String(16))  # inference | training | preparation
    owner: Mapped[str] = mapped_column(
        String(64), default="", server_default=""
    )  # who waits for it: the visitor, or nobody
    lane: Mapped[int] = mapped_column(
        default=0, server_default="0"
    )  # 1: batch, which lets others go first
    rank: Mapped[float] = mapped_column(
        default=0.0, server_default="0"
    )  # in a lane the smallest goes first, then the oldest
    state: Mapped[str] = mapped_column(String(16), default="queued")  # see app.jobs.states
    params: Mapped[dict[str, Any]]  # see app.jobs.parameters
    attempts: Mapped[int] = mapped_column(default=0)
    progress: Mapped[float] = mapped_column(default=0.0)  # 0..1
    message: Mapped[str | None] = mapped_column(String(255))
    revision: Mapped[int] = mapped_column(default=0)  # grows with every visible change
    error: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)
    traceback: Mapped[str | None] = mapped_column(Text)
    claimed_by: Mapped[str | None] = mapped_column(String(128))
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Rate(Base):
    """How often a visitor, an address or a user has done something in a minute."""

    __tablename__ = "rates"

    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    started: Mapped[float] = mapped_column(index=True)  # of the minute, Unix time
    count: Mapped[int]


class Analysis(Base):
    """A request to explain one medium, with its results in `Prediction` and `Heatmap`."""

    __tablename__ = "analyses"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    owner: Mapped[str] = mapped_column(String(64), index=True)
    media_id: Mapped[str] = mapped_column(ForeignKey("media.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    request: Mapped[dict[str, Any]]  # app.jobs.parameters.AnalysisRequest, normalised
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    stored: Mapped[bool] = mapped_column(default=False)  # answered from an earlier result
    problems: Mapped[dict[str, Problem] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # by model: rows that failed alone
    provenance: Mapped[Provenance | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)

    media: Mapped[Media] = relationship()
    job: Mapped[Job] = relationship()


class Prediction(Base):
    """One model's prediction: `top` is [{index, name, probability, logit}, ...], best first."""

    __tablename__ = "predictions"

    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True
    )
    model: Mapped[str] = mapped_column(String(64), primary_key=True)
    top: Mapped[list[ClassScore]] = mapped_column(JSON)
    target_index: Mapped[int | None]  # these four: None if the model does not know the class
    target_name: Mapped[str | None] = mapped_column(String(128))
    target_logit: Mapped[float | None]
    target_probability: Mapped[float | None]
    abstained: Mapped[bool] = mapped_column(default=False, server_default=false())
    in_domain: Mapped[float | None]  # 0..1; None if the model has no rule
    seconds: Mapped[float]  # this model's forward, backward and combining
    clip: Mapped[ClipScores | None] = mapped_column(JSON)  # None for a photo


class Heatmap(Base):
    """One map, its values in a float16 NPY blob at the map's own grid.

    The maps of a clip share a blob, [times, h, w]; `frame` is a map's index in it.
    """

    __tablename__ = "heatmaps"
    __table_args__ = (
        UniqueConstraint("analysis_id", "model", "stage", "method", "stream", "frame"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    analysis_id: Mapped[str] = mapped_column(
        ForeignKey("analyses.id", ondelete="CASCADE"), index=True
    )
    model: Mapped[str] = mapped_column(String(64))
    stage: Mapped[str] = mapped_column(String(16))  # early | medium | late | combined
    method: Mapped[str] = mapped_column(String(32))  # attention | attention-channels | gradcam ...
    unit: Mapped[str] = mapped_column(String(16))  # share | gate | evidence | rollout | combined
    stream: Mapped[str] = mapped_column(String(8), default="rgb")
    time_s: Mapped[float | None]
    frame: Mapped[int] = mapped_column(default=-1, server_default="-1")  # -1: the whole blob
    layer: Mapped[str] = mapped_column(String(64))  # where it was taken
    shape: Mapped[list[Any]]  # [h, w], or [c, h, w] for attention-channels
    min: Mapped[float]
    max: Mapped[float]
    sum: Mapped[float]
    entropy: Mapped[float | None]  # bits, of the positive part scaled to sum 1; None if all <= 0
    target: Mapped[str | None] = mapped_column(String(128))  # class name, for Grad-CAM
    evidence: Mapped[Evidence | None] = mapped_column(JSON)  # of a photo's learnt masks
    blob_key: Mapped[str] = mapped_column(String(128), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
