"""Logging: one line per event, to stderr and to `HOME/logs`."""

from __future__ import annotations

import logging
import logging.handlers

from app.core.home import make_home, warn_if_open
from app.core.settings import Settings

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def setup_logging(settings: Settings, name: str) -> None:
    """Log to stderr and to `HOME/logs/{name}.log` (rotated at 5 MB, three backups)."""
    make_home(settings.home)
    folder = settings.home / "logs"
    folder.mkdir(exist_ok=True)
    rotating = logging.handlers.RotatingFileHandler(
        folder / f"{name}.log", maxBytes=5_000_000, backupCount=3, delay=True
    )
    logging.basicConfig(
        level=logging.INFO, format=FORMAT, handlers=[logging.StreamHandler(), rotating], force=True
    )
    warn_if_open(settings.home)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # INFO lists every one
