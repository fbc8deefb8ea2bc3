"""A backup of a running server, restored after everything was destroyed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.backup import BackupError, backup, restore
from app.core.settings import Settings
from app.db.account_tables import AuditEntry
from app.db.engine import make_engine
from app.db.tables import Base, Media
from tests.support.backend import photo
from tests.support.signing_in import signed_in
from tests.support.web import Api, files_of, running


def content(settings: Settings) -> dict[str, list[Any]]:
    """All rows of a database, by table."""
    engine = make_engine(settings)
    with engine.connect() as connection:
        rows = {
            table.name: sorted(map(tuple, connection.execute(select(table)).all()), key=str)
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    return rows


@pytest.fixture(params=["sqlite", "postgres"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A server without data, on each kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return Settings(home=tmp_path / "other", database_url=url, min_free_bytes=0)


def filled(api: Api) -> None:
    """Give a server uploads, an analysis with maps, an account and an audit."""
    api.publish("plain", "gated")
    uploads = [api.upload(photo(number)) for number in range(3)]
    api.finish(api.analyse(uploads[0]["id"])["id"])
    signed_in(api.client).delete(uploads[2]["links"]["self"])


def test_what_was_destroyed_comes_back(tmp_path: Path, other: Settings) -> None:
    """From a running server, into either kind of database; then it goes on."""
    settings, folder = Settings(home=tmp_path / "home", min_free_bytes=0), tmp_path / "backup"
    with running(settings) as api:
        filled(api)
        (settings.home / "runs" / "a").mkdir(parents=True)
        (settings.home / "runs" / "a" / "state").write_bytes(b"state")
        backup(settings, folder)
        before, files = content(settings), files_of(settings)
        visitor = dict(api.client.cookies)
        media = api.client.get("/api/v1/media").json()["items"]
    shutil.rmtree(settings.home)
    restore(other, folder)
    assert content(other) == before
    assert files_of(other) == files
    assert (other.home / "runs" / "a" / "state").read_bytes() == b"state"
    with running(other) as api:
        with api.visitor(cookies=visitor) as client:
            assert client.get("/api/v1/media").json()["items"] == media
            assert client.get(media[0]["links"]["content"]).status_code == 200
        signed_in(api.client)
        api.client.delete(api.upload(photo(9))["links"]["self"])
        with api.web.readers() as session:  # its numbers go on
            numbers = session.scalars(select(AuditEntry.id)).all()
        assert len(set(numbers)) == len(numbers)


def test_a_second_backup_copies_what_is_new(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    api.upload(photo(1))
    backup(api.settings, folder)
    first = {path: path.stat().st_mtime_ns for path in (folder / "blobs").rglob("original")}
    api.upload(photo(2))
    backup(api.settings, folder)
    now = {path: path.stat().st_mtime_ns for path in (folder / "blobs").rglob("original")}
    assert len(now) == 2
    assert first.items() <= now.items()
    with api.web.readers() as session:
        assert len(session.scalars(select(Media)).all()) == 2


def test_a_restore_mixes_nothing_up(api: Api, tmp_path: Path) -> None:
    api.upload()
    backup(api.settings, tmp_path / "backup")
    before = content(api.settings)
    with pytest.raises(BackupError, match="data already"):
        restore(api.settings, tmp_path / "backup")
    with pytest.raises(BackupError, match="not a backup"):
        restore(Settings(home=tmp_path / "new"), tmp_path)
    with pytest.raises(BackupError, match="inside"):
        backup(api.settings, api.settings.home / "backup")
    assert content(api.settings) == before


def test_the_command_says_how_it_went(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app", *arguments]
        home = {"SIGHTLINE_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, env=home, capture_output=True, text=True, check=False)

    assert "is complete" in run("backup", str(tmp_path / "backup")).stdout
    refused = run("restore", str(tmp_path))
    assert refused.returncode == 1
    assert "is not a backup" in refused.stderr
