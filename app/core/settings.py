"""All settings, read once from the environment (prefix `SIGHTLINE_`) and passed on.

`docs/settings.md` lists them; a test compares that table with this class.
"""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """The configuration of one server or worker process."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: Path.home() / ".sightline",
        description="Where the database, blobs, caches and logs live.",
    )
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the web server listens on.")
    web_processes: int = Field(
        default=1, ge=1, le=64, description="Processes that serve pages and API on the port."
    )
    database_url: str = Field(
        default="", description="SQLAlchemy address; empty means SQLite in `HOME`."
    )
    queue: Literal["local", "celery"] = Field(
        default="local", description="`local`: a worker process of this server; `celery`: Redis."
    )
    broker_url: str = Field(
        default="redis://127.0.0.1:6379/0", description="Celery's broker, for `QUEUE=celery`."
    )
    blobs: str = Field(default="", description="Folder for blobs; empty means `HOME/blobs`.")
    device: str = Field(default="auto", description="`auto`, `cpu`, `cuda` or `cuda:N`.")
    weights_dir: Path | None = Field(
        default=None, description="Folder with ImageNet weights, instead of those that come along."
    )
    data: Path | None = Field(default=None, description="Folder with datasets on this server.")
    secret_key: str = Field(
        default="", description="Signs visitor cookies; empty means a key in `HOME`."
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks of proxies whose `X-Forwarded-` headers count, "
        "with commas.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names that the server answers to, with commas, such as `*.example.org`; "
        "empty: any.",
    )

    max_image_bytes: int = Field(default=20 * MIB, ge=1, description="Largest photo, in bytes.")
    max_pixels: int = Field(default=80_000_000, ge=1, description="Largest photo, in pixels.")
    max_side: int = Field(default=20_000, ge=1, description="Longest side of a photo, in pixels.")
    min_side: int = Field(default=8, ge=1, description="Shortest side of a photo, in pixels.")
    max_clip_bytes: int = Field(default=500 * MIB, ge=1, description="Largest clip, in bytes.")
    max_clip_seconds: float = Field(default=300.0, gt=0, description="Longest clip, in seconds.")
    max_clip_pixels: int = Field(
        default=9_500_000, ge=1, description="Largest frame of a clip, in pixels."
    )
    max_clip_frames: int = Field(default=20_000, ge=1, description="Most frames in a clip.")
    min_free_bytes: int = Field(
        default=200 * MIB, ge=0, description="Free disk space below which uploads are rejected."
    )
    max_archive_bytes: int = Field(
        default=4096 * MIB, ge=1, description="Largest ZIP or TAR of a dataset, in bytes."
    )
    max_dataset_bytes: int = Field(
        default=16384 * MIB, ge=1, description="Largest dataset, unpacked, in bytes."
    )
    max_dataset_files: int = Field(
        default=200_000, ge=1, description="Most files in a dataset's archive or folder."
    )
    decode_seconds: float = Field(
        default=20.0, gt=0, description="Most processor time to decode a file."
    )
    clip_decode_seconds: float = Field(
        default=120.0, gt=0, description="Most processor time of one request to decode a clip."
    )
    decode_memory_bytes: int = Field(
        default=1536 * MIB, ge=64 * MIB, description="Memory that decoding a file may map."
    )
    require_sandbox: bool = Field(
        default=False,
        description="Read no file unless the decoding process is locked in by seccomp.",
    )
    max_connections: int = Field(
        default=2000, ge=8, description="Most connections at once; fewer if the system grants less."
    )
    max_body_bytes: int = Field(
        default=MIB, ge=1024, description="Largest body of a request without a file, in bytes."
    )
    min_upload_rate: int = Field(
        default=8 * 1024, ge=1, description="Least mean rate of an upload, in bytes per second."
    )
    upload_seconds: float = Field(
        default=3600.0, gt=0, description="Longest time for an upload to arrive."
    )
    open_uploads: int = Field(
        default=8,
        ge=1,
        description="Uploads arriving at once from a visitor; four times that from an address.",
    )
    visitor_bytes: int = Field(
        default=2048 * MIB,
        ge=0,
        description="Most bytes that a visitor's uploads take; 0: no limit.",
    )
    visitor_files: int = Field(
        default=2000, ge=0, description="Most uploads that a visitor keeps; 0: no limit."
    )
    visitor_analyses: int = Field(
        default=10_000, ge=0, description="Most analyses that a visitor keeps; 0: no limit."
    )
    upload_bytes: int = Field(
        default=0, ge=0, description="Most bytes that all uploads take; 0: as many as the disk has."
    )
    retention_days: float = Field(
        default=30.0,
        ge=0,
        description="Days without an analysis after which a visitor's upload is deleted; 0: never.",
    )
    uploads_per_minute: int = Field(
        default=120,
        ge=0,
        description="Uploads per minute and visitor, four times as many per address; 0: no limit.",
    )
    analyses_per_minute: int = Field(
        default=120,
        ge=0,
        description="Analyses per minute and visitor, four times as many per address; 0: no limit.",
    )
    analyses_waiting: int = Field(
        default=50,
        ge=0,
        description="Analyses of one visitor that may wait at a time; 0: no limit.",
    )
    figures_per_minute: int = Field(
        default=60,
        ge=0,
        description="Figures and films drawn per minute and address; 0: no limit.",
    )
    session_days: int = Field(
        default=30,
        ge=1,
        le=400,
        description="Days without use after which a browser is signed out.",
    )
    sign_ins_per_minute: int = Field(
        default=10,
        ge=0,
        description="Wrong passwords per minute and address, or known browser; 0: no limit.",
    )
    training_devices: int = Field(
        default=1, ge=1, le=64, description="GPUs (or CPU processes) of one training run."
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Worker processes for analyses that `QUEUE=local` starts.",
    )
    load_ahead: bool = Field(
        default=True, description="Load all models ahead of their first use, while no job waits."
    )
    heartbeat_seconds: float = Field(
        default=1.0, gt=0, description="Interval of a job's heartbeat."
    )
    stale_seconds: float = Field(
        default=8.0, gt=0, description="Time without a heartbeat after which a job is requeued."
    )
    max_attempts: int = Field(default=5, ge=1, description="Attempts after which a job fails.")

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, text: str) -> str:
        for network in _parts(text):
            ip_network(network)  # the error that it raises names what is wrong
        return text

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, text: str) -> str:
        for name in _parts(text):
            if "*" in name.removeprefix("*.") or "/" in name or name.rpartition(":")[2].isdecimal():
                raise ValueError(f"{name}: write a name without scheme and port, or *.NAME")
        return text

    @model_validator(mode="after")
    def _check_heartbeat(self) -> Settings:
        if self.stale_seconds < 3 * self.heartbeat_seconds:
            raise ValueError(
                "SIGHTLINE_STALE_SECONDS must be at least three times SIGHTLINE_HEARTBEAT_SECONDS"
            )
        return self

    def as_environment(self) -> dict[str, str]:
        """Return the environment variables that give another process the same settings."""
        changed = self.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        return {f"SIGHTLINE_{name.upper()}": str(value) for name, value in changed.items()}

    @property
    def proxies(self) -> list[str]:
        """`TRUSTED_PROXIES` as a list of addresses and networks."""
        return _parts(self.trusted_proxies)

    @property
    def hosts(self) -> list[str]:
        """`ALLOWED_HOSTS` as a list of names in small letters."""
        return _parts(self.allowed_hosts.lower())

    @property
    def sqlalchemy_url(self) -> str:
        """`DATABASE_URL`, or SQLite in `HOME`."""
        return self.database_url or f"sqlite:///{self.home / 'sightline.sqlite3'}"

    @property
    def weights_dirs(self) -> list[Path]:
        """Folders that may hold the ImageNet weights: `WEIGHTS_DIR`, and `weights` in `DATA`."""
        folders = [self.weights_dir] if self.weights_dir else []
        return [*folders, self.data / "weights"] if self.data else folders

    @property
    def blob_dir(self) -> Path:
        """`BLOBS`, or `HOME/blobs`."""
        return Path(self.blobs) if self.blobs else self.home / "blobs"


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
