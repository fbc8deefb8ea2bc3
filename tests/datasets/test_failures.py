"""What the world does to an import: a full disk, no network, a decoder that dies."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.datasets.importing.verifier import Verifier
from app.db.tables import new_id
from app.db.training_tables import Dataset
from app.jobs import service
from app.jobs.parameters import ImportDatasetJob
from tests.support.archives import picture
from tests.support.backend import Server
from tests.support.dataset_imports import check_full_disk, dataset_row
from tests.support.import_worker import import_all
from tests.support.photos import png_bomb, png_header_only, png_text_bomb
from tests.support.small_disks import small_disk
from tests.support.web import files_of


def test_a_full_disk_ends_the_import_and_leaves_nothing(tmp_path: Path) -> None:
    """70 images of each class are 200 kB, for which a disk of 300 kB has room only once."""
    with small_disk(tmp_path / "disk", "300k") as disk:
        assert check_full_disk(tmp_path / "home", disk, count=70) == "failed"


def test_without_a_network_imagenette_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server(Settings(home=tmp_path / "home", min_free_bytes=0))
    dataset_id = new_id()
    with server.sessions.begin() as session:
        params = ImportDatasetJob(dataset_id=dataset_id, source="imagenette", size="160px")
        job = service.enqueue(session, params)
        made = {"name": "x", "source": "imagenette", "created_by": "admin"}
        session.add(Dataset(id=dataset_id, job_id=job.id, **made))
    import_all(server.settings)
    row = dataset_row(server, dataset_id)
    assert row.job.state == "failed"
    assert "could not be downloaded" in str(row.job.detail)
    assert "Upload it as an archive instead" in str(row.job.detail)
    assert files_of(server.settings) == set()
    server.close()


def test_images_made_to_do_harm_spoil_no_other(tmp_path: Path) -> None:
    """Among good ones: headers that promise too much, and data that unpack without end."""
    settings = Settings(home=tmp_path, min_free_bytes=0, decode_seconds=4.0)
    files = {f"good {n}": picture(n) for n in range(20)}
    files |= {
        "promise": png_header_only(60_000, 60_000),
        "bomb": png_bomb(8_000),
        "text": png_text_bomb(),
    }
    with closing(Verifier(settings)) as verifier:
        for name, data in sorted(files.items()):
            path = tmp_path / name
            path.write_bytes(data)
            verifier.add(name, path, len(data))
        verifier.flush()
        assert verifier.done(60)
        verdicts = verifier.verdicts
    assert set(verdicts) == set(files)
    assert all(verdicts[f"good {n}"] == (48, 32, None, None) for n in range(20))
    assert "no side may exceed" in verdicts["promise"]
    assert isinstance(verdicts["text"], str)


def test_a_decoder_that_is_killed_is_replaced(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, min_free_bytes=0)
    with closing(Verifier(settings)) as verifier:
        for n in range(300):
            path = tmp_path / f"{n}.jpg"
            path.write_bytes(picture(n))
            verifier.add(str(n), path, 1)
            if n in {100, 200}:
                verifier.done(0.2)
                for process in verifier.decoders.processes:
                    process.kill()
        verifier.flush()
        assert verifier.done(60)
        assert set(verifier.verdicts.values()) == {(48, 32, None, None)}
