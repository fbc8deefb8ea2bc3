"""A visitor's cookie cannot be forged, and the key that signs it is created once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.security import Visitors, load_secret
from app.core.settings import Settings


def test_a_signed_cookie_names_its_visitor() -> None:
    visitors = Visitors(b"key")
    name = visitors.new()
    assert len(name) == 32
    assert visitors.new() != name
    assert visitors.read(visitors.sign(name)) == name


@pytest.mark.parametrize(
    "cookie",
    [None, "", ".", "abc", "abc.", ".abc", "abc.def", "abc." + "0" * 64, "abc.é", "\0.\0"],
)
def test_a_cookie_without_a_valid_signature_is_rejected(cookie: str | None) -> None:
    assert Visitors(b"key").read(cookie) is None


def test_a_changed_cookie_is_rejected() -> None:
    visitors = Visitors(b"key")
    signed = visitors.sign("a" * 32)
    assert visitors.read("b" + signed[1:]) is None
    assert visitors.read(signed[:-1]) is None
    assert visitors.read(signed + "0") is None
    assert Visitors(b"another key").read(signed) is None


def test_the_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    secret = load_secret(settings)
    assert load_secret(settings) == secret
    (file,) = (tmp_path / "home").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_secret(Settings(home=tmp_path, secret_key="chosen")) == b"chosen"


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    script = (
        "from app.core.security import load_secret; from app.core.settings import Settings;"
        "print(load_secret(Settings()).decode())"
    )
    environment = Settings(home=tmp_path).as_environment()
    starts = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    keys = {start.communicate(timeout=60)[0] for start in starts}
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64
