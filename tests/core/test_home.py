"""The folder of the server is its own user's."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from app.core.home import make_home, warn_if_open
from app.core.logging import setup_logging
from app.core.security import load_secret
from app.core.settings import Settings
from app.db.engine import make_engine


def mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


@pytest.mark.parametrize("make", [load_secret, make_engine])
def test_a_new_home_is_closed_to_others(tmp_path: Path, make) -> None:
    home = tmp_path / "above" / "home"
    made = make(Settings(home=home))
    assert mode(home) == 0o700
    if hasattr(made, "dispose"):
        made.dispose()


def test_an_open_one_is_said_and_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = tmp_path / "home"
    make_home(home)
    warn_if_open(home)
    assert not caplog.records
    home.chmod(0o750)
    make_home(home)
    warn_if_open(home)
    assert mode(home) == 0o750
    assert f"may open {home} (mode 750)" in caplog.text


def test_every_process_says_it_at_its_start(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    tmp_path.chmod(0o755)
    try:
        setup_logging(Settings(home=tmp_path), "web")
    finally:
        for handler in root.handlers[:]:
            handler.close()
        root.handlers, root.level = before, level
    assert "mode 755" in (tmp_path / "logs" / "web.log").read_text()
