"""`HOME`, which only the server's own user is to read: photos, the database, the signing key."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

log = logging.getLogger(__name__)
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_home(home: Path) -> None:
    """Create the folder for this user alone, if it does not exist."""
    home.parent.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=stat.S_IRWXU, exist_ok=True)


def warn_if_open(home: Path) -> None:
    """Log that others may look into the folder; it is left as it is, for they may have to."""
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & OTHERS:
        log.warning("others on this machine may open %s (mode %o): chmod 700 closes it", home, mode)
