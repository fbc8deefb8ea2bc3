"""Both kinds of database, new and migrated, for the tests that need one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from app.core.settings import Settings
from app.db.engine import make_engine, make_sessions
from app.db.migrate import upgrade
from app.db.models import Analysis, Job, Media, new_id


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a server of its own, on each kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return Settings(home=tmp_path, database_url=url, min_free_bytes=0)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """A migrated database."""
    engine = make_engine(settings)
    upgrade(engine, settings)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that write."""
    return make_sessions(engine)


def add_medium(session: Session, owner: str = "visitor") -> Media:
    """A medium whose blobs do not exist."""
    media_id = new_id()
    medium = Media(
        id=media_id,
        owner=owner,
        kind="image",
        filename="a.jpg",
        format="JPEG",
        content_type="image/jpeg",
        width=10,
        height=10,
        frames=1,
        bytes=1,
        sha256="0" * 64,
        blob_key=f"media/{media_id}/original",
        view_key=f"media/{media_id}/view.jpg",
    )
    session.add(medium)
    session.flush()
    return medium


def add_analysis(session: Session, medium: Media, state: str = "queued") -> Analysis:
    """An analysis of the medium, with its job in some state."""
    job = Job(id=new_id(), kind="analyse_image", queue="inference", params={}, state=state)
    analysis = Analysis(
        id=new_id(),
        owner=medium.owner,
        media_id=medium.id,
        job_id=job.id,
        request={},
        fingerprint="f" * 64,
    )
    session.add(job)
    session.flush()
    session.add(analysis)
    session.flush()
    return analysis
