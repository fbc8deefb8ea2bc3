"""The tables of training: datasets, studies, their runs, and the results of each run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.documents import (
    EpochValues,
    Maps,
    RunConfig,
    RunSummary,
    TrialRequest,
)
from app.db.tables import Base, Job, new_id, utcnow


class Offer(Base):
    """A capability of the workers besides models, as JSON: `training` is the launch form."""

    __tablename__ = "offers"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class Dataset(Base):
    """Labelled images or clips (`kind`), checked when they were imported by its job."""

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120))
    source: Mapped[str] = mapped_column(String(16))  # archive | folder | imagenette
    kind: Mapped[str] = mapped_column(String(8), default="images", server_default="images")
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    created_by: Mapped[str] = mapped_column(String(64))  # name of the user
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    classes: Mapped[list[Any]] = mapped_column(default=list)  # [{name, train, val}, ...]
    train_images: Mapped[int] = mapped_column(default=0)
    val_images: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)  # left out, and why
    fingerprint: Mapped[str | None] = mapped_column(String(64))  # SHA-256 over the images' hashes

    job: Mapped[Job] = relationship()


class Trial(Base):
    """A measurement before a launch: kind `cost` (steps, seconds, disk) or `range` (lr test)."""

    __tablename__ = "trials"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    request: Mapped[TrialRequest] = mapped_column(JSON)
    result: Mapped[dict[str, Any] | None]  # differs by kind; passed on as it is
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    job: Mapped[Job] = relationship()


class Study(Base):
    """Runs to compare: one for each mechanism and seed, on the same data."""

    __tablename__ = "studies"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), index=True)
    request: Mapped[dict[str, Any]]  # the body of the request, with what it set
    probes: Mapped[list[int]] = mapped_column(JSON)  # validation images, by index
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)

    dataset: Mapped[Dataset] = relationship()


class TrainingRun(Base):
    """The training of one network; its job has the state, the progress and the error."""

    __tablename__ = "training_runs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    position: Mapped[int]  # row order in the study
    mechanism: Mapped[str] = mapped_column(String(32))
    seed: Mapped[int]
    config: Mapped[RunConfig] = mapped_column(JSON)
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)  # 0 until the worker knows
    epoch: Mapped[int] = mapped_column(default=0)  # epochs ended
    status: Mapped[dict[str, Any]] = mapped_column(default=dict)  # rate, time left, machine
    summary: Mapped[RunSummary | None] = mapped_column(JSON)  # once it has succeeded
    checkpoint_key: Mapped[str | None] = mapped_column(String(128))  # blob of the safetensors file
    checkpoint_sha256: Mapped[str | None] = mapped_column(String(64))
    about: Mapped[dict[str, Any] | None]  # the JSON beside the checkpoint, as `ml` wrote it
    model_id: Mapped[str | None] = mapped_column(String(64), unique=True)  # once it is published
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)

    study: Mapped[Study] = relationship()
    job: Mapped[Job] = relationship()


class RunPoint(Base):
    """One optimiser step of a run; written once, though a resumed run repeats some steps."""

    __tablename__ = "run_points"

    run_id: Mapped[str] = mapped_column(
        ForeignKey("training_runs.id", ondelete="CASCADE"), primary_key=True
    )
    step: Mapped[int] = mapped_column(primary_key=True)  # from 1
    loss: Mapped[float]
    accuracy: Mapped[float]  # share of the batch, before the step
    lr: Mapped[float]
    images_per_s: Mapped[float]


class RunEpoch(Base):
    """One epoch of a run: its values, and the files of its maps and predictions."""

    __tablename__ = "run_epochs"

    run_id: Mapped[str] = mapped_column(
        ForeignKey("training_runs.id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int] = mapped_column(primary_key=True)  # from 1
    step: Mapped[int]  # its last one
    values: Mapped[EpochValues] = mapped_column(JSON)
    probes: Mapped[dict[str, Maps]] = mapped_column(JSON)  # by method
    predictions_key: Mapped[str | None] = mapped_column(String(128))  # NPY; see ml.train.events


class RunNote(Base):
    """A line of a run's log."""

    __tablename__ = "run_notes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(
        ForeignKey("training_runs.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(default=utcnow)
    text: Mapped[str] = mapped_column(Text)
