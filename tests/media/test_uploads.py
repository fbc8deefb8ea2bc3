"""A photo is kept whole, or leaves nothing behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from app.core.errors import BadMedia, DiskFull, TooLarge
from app.core.settings import Settings
from app.db.engine import make_sessions
from app.db.tables import Media
from app.media.decoder.client import Decoder
from app.media.uploads import clean_name
from app.storage.blobs import LocalBlobs
from tests.media.test_refusals import GOOD, REFUSED
from tests.support.arriving import received
from tests.support.databases import open_migrated
from tests.support.small_disks import small_disk

Sessions = sessionmaker[Session]


class Arrival:
    """The parts that an upload needs."""

    def __init__(self, settings: Settings, decoder: Decoder, sessions: Sessions) -> None:
        self.settings = settings
        self.decoder = decoder
        self.sessions = sessions
        self.blobs = LocalBlobs(settings.blob_dir)

    def upload(self, chunks: Iterable[bytes], name: str = "photo.jpg") -> Media:
        arriving = received(chunks, self.blobs, self.decoder, self.settings, name)
        with arriving as arrived, self.sessions.begin() as session:
            return arrived.keep(session, "visitor")

    def files(self) -> list[str]:
        root = self.blobs.root
        return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


@pytest.fixture
def arrival(settings: Settings, decoder: Decoder) -> Iterator[Arrival]:
    engine = open_migrated(settings)
    yield Arrival(settings, decoder, make_sessions(engine))
    engine.dispose()


def test_a_good_photo_is_kept_as_it_came(arrival: Arrival) -> None:
    medium = arrival.upload([GOOD[:100], GOOD[100:]], "C:\\pictures\\my cat.jpg")
    assert arrival.files() == [medium.blob_key, medium.view_key]
    assert arrival.blobs.get(medium.blob_key) == GOOD
    assert medium.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert (medium.bytes, medium.filename, medium.format) == (len(GOOD), "my cat.jpg", "JPEG")
    assert (medium.width, medium.height, medium.frames) == (120, 80, 1)
    with arrival.sessions() as session:
        assert session.get(Media, medium.id) is not None


@pytest.mark.parametrize("name", ["text", "half a JPEG", "a bomb"])
def test_what_is_refused_leaves_nothing(arrival: Arrival, name: str) -> None:
    data, kind, status, _ = REFUSED[name]
    with pytest.raises(kind) as refusal:
        arrival.upload([data], "photo.jpg")
    assert refusal.value.status == status
    assert arrival.files() == []


def test_an_empty_file_is_refused(arrival: Arrival) -> None:
    with pytest.raises(BadMedia, match="0 bytes"):
        arrival.upload([])
    assert arrival.files() == []


def test_a_file_over_the_limit_is_refused_before_its_end(arrival: Arrival) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield bytes(1 << 20)

    with pytest.raises(TooLarge, match="20 MB"):
        arrival.upload(endless())
    assert sent == 21
    assert arrival.files() == []


def test_a_broken_connection_leaves_nothing(arrival: Arrival) -> None:
    def breaks() -> Iterator[bytes]:
        yield GOOD[:100]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        arrival.upload(breaks())
    assert arrival.files() == []


def test_a_rollback_takes_the_files_back(arrival: Arrival) -> None:
    arriving = received([GOOD], arrival.blobs, arrival.decoder, arrival.settings, "a")
    with arriving as arrived, arrival.sessions() as session:
        arrived.keep(session, "visitor")
        assert len(arrival.files()) == 2
        session.rollback()
    assert arrival.files() == []


def test_a_photo_that_nobody_keeps_leaves_nothing(arrival: Arrival) -> None:
    with received([GOOD], arrival.blobs, arrival.decoder, arrival.settings, "a"):
        assert len(arrival.files()) == 1
    assert arrival.files() == []


def test_too_little_free_disk_is_refused(arrival: Arrival) -> None:
    much = Settings(home=arrival.settings.home, min_free_bytes=1 << 60)
    with (
        pytest.raises(DiskFull),
        received([GOOD], arrival.blobs, arrival.decoder, much, "a"),
    ):
        pass
    assert arrival.files() == []


def test_a_disk_that_fills_up_is_said_and_leaves_nothing(arrival: Arrival, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        arrival.blobs = LocalBlobs(disk / "blobs")
        with pytest.raises(DiskFull) as refusal:
            arrival.upload([bytes(10_000)] * 20)
        assert refusal.value.status == 507
        assert arrival.files() == []
        assert arrival.upload([GOOD]).width == 120


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\x.png", "x.png"),
        ("a\0b\n<c>.jpg", "ab<c>.jpg"),
        ("", "photo"),
        ("...", "photo"),
        ("/", "photo"),
        ("naïve ☕.webp", "naïve ☕.webp"),
        ("e\u0301.jpg", "é.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
        ("y" * 300, "y" * 120),
    ],
)
def test_a_file_name_is_only_for_showing(sent: str, shown: str) -> None:
    assert clean_name(sent) == shown
