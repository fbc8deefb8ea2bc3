"""Deletion removes rows, and exactly the files that no row refers to any more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from app.db import analyses as rows
from app.db import jobs
from app.db.garbage import remove_old_jobs
from app.db.tables import Analysis, Heatmap, Job, Media, Prediction, new_id
from app.media.deletion import delete_analysis, delete_media, sweep
from app.storage.blobs import LocalBlobs
from tests.support.databases import add_analysis, add_medium

Sessions = sessionmaker[Session]


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def stored_medium(session: Session, blobs: LocalBlobs) -> Media:
    medium = add_medium(session)
    blobs.put(medium.blob_key, b"photo")
    blobs.put(medium.view_key, b"view")
    return medium


def stored_analysis(session: Session, blobs: LocalBlobs, medium: Media) -> Analysis:
    analysis = add_analysis(session, medium, "succeeded")
    key = f"maps/{analysis.id}/plain-early-gradcam.npy"
    blobs.put(key, b"map")
    blobs.put(f"figures/{analysis.id}/abc.png", b"figure")
    row = {
        "analysis_id": analysis.id,
        "model": "plain",
        "stage": "early",
        "method": "gradcam",
        "unit": "evidence",
        "layer": "features.6",
        "shape": [1, 1],
        "min": 0,
        "max": 1,
        "sum": 1,
        "blob_key": key,
    }
    said = Prediction(
        analysis_id=analysis.id,
        model="plain",
        top=[],
        target_index=0,
        target_name="tench",
        target_logit=1,
        target_probability=1,
        seconds=1,
    )
    rows.add_result(session, said, [row])
    return analysis


def answered_from(session: Session, source: Analysis, medium: Media) -> Analysis:
    copy = add_analysis(session, medium, "succeeded")
    rows.copy_results(session, source, copy)
    return copy


def kept(blobs: LocalBlobs) -> list[str]:
    return sorted(key for prefix in ("media", "maps", "figures") for key in blobs.keys(prefix))


def count(session: Session, table: type) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_deleting_a_medium_removes_its_rows_and_files(
    sessions: Sessions, blobs: LocalBlobs
) -> None:
    with sessions.begin() as session:
        doomed, other = stored_medium(session, blobs), stored_medium(session, blobs)
        stored_analysis(session, blobs, doomed)
        stored_analysis(session, blobs, doomed)
    before = kept(blobs)
    with sessions() as session:
        delete_media(session, blobs, doomed)
        assert kept(blobs) == before, "nothing may vanish before the commit"
        session.commit()
    assert kept(blobs) == sorted([other.blob_key, other.view_key])
    with sessions() as session:
        numbers = [count(session, table) for table in (Media, Analysis, Job, Heatmap, Prediction)]
    assert numbers == [1, 0, 0, 0, 0]


def test_a_rollback_keeps_everything(sessions: Sessions, blobs: LocalBlobs) -> None:
    with sessions.begin() as session:
        medium = stored_medium(session, blobs)
        stored_analysis(session, blobs, medium)
    before = kept(blobs)
    with sessions() as session:
        delete_media(session, blobs, medium)
    assert kept(blobs) == before
    with sessions() as session:
        assert count(session, Heatmap) == 1


def test_a_shared_map_is_deleted_with_the_last_analysis(
    sessions: Sessions, blobs: LocalBlobs
) -> None:
    with sessions.begin() as session:
        first_medium, second_medium = stored_medium(session, blobs), stored_medium(session, blobs)
        first = stored_analysis(session, blobs, first_medium)
        second = answered_from(session, first, second_medium)
    shared = f"maps/{first.id}/plain-early-gradcam.npy"
    with sessions.begin() as session:
        delete_media(session, blobs, first_medium)
    assert blobs.exists(shared)
    assert not blobs.exists(f"figures/{first.id}/abc.png")
    with sessions.begin() as session:
        assert [row.blob_key for row in rows.heatmaps(session, second.id)] == [shared]
        delete_analysis(session, blobs, second)
    assert kept(blobs) == sorted([second_medium.blob_key, second_medium.view_key])


def test_a_stored_result_is_found_and_copied(sessions: Sessions, blobs: LocalBlobs) -> None:
    with sessions.begin() as session:
        medium, twin = stored_medium(session, blobs), stored_medium(session, blobs)
        source = stored_analysis(session, blobs, medium)
        source.provenance = {"device": "cpu"}
        add_analysis(session, medium, "failed")
    with sessions.begin() as session:
        found = rows.find_answered(session, source.fingerprint, twin.id, [], None)
        assert found is not None
        assert found.id == source.id
        assert rows.find_answered(session, "0" * 64, medium.id, [], None) is None
        copy = answered_from(session, found, twin)
    with sessions.begin() as session:
        again = rows.find_answered(session, source.fingerprint, twin.id, [], None)
        assert again is not None
        assert again.id == copy.id, "the same medium's own answer comes first"
        assert again.provenance == {"device": "cpu"}
        assert [said.target_name for said in rows.predictions(session, copy.id)] == ["tench"]


def test_the_sweep_removes_only_old_unreferenced_files(
    sessions: Sessions, blobs: LocalBlobs
) -> None:
    with sessions.begin() as session:
        analysis = stored_analysis(session, blobs, stored_medium(session, blobs))
    strays = [
        f"maps/{analysis.id}/gated-early-gradcam.npy",
        f"maps/{new_id()}/plain-early-gradcam.npy",
        f"figures/{new_id()}/abc.png",
        f"media/{new_id()}/original",
    ]
    before = kept(blobs)
    for key in [*strays, f"media/{new_id()}/arriving"]:
        blobs.put(key, b"x")
    hours_ago = time.time() - 7200
    for key in [*before, *strays]:
        os.utime(blobs.path(key), (hours_ago, hours_ago))
    with sessions.begin() as session:
        assert sweep(session, blobs) == len(strays)
    assert set(kept(blobs)) - set(before) == {k for k in kept(blobs) if k.endswith("arriving")}
    assert set(before) <= set(kept(blobs))


def test_old_jobs_without_an_analysis_are_removed(sessions: Sessions) -> None:
    with sessions.begin() as session:
        analysis = add_analysis(session, add_medium(session))
        figure = jobs.add(session, "draw_figure", "inference", {})
        waiting = jobs.add(session, "draw_figure", "inference", {})
        jobs.cancel(session, figure.id)
        jobs.cancel(session, analysis.job_id)
    with sessions.begin() as session:
        remove_old_jobs(session, days=7)
        assert jobs.get(session, figure.id) is not None
    with sessions.begin() as session:
        remove_old_jobs(session, days=-1)
    with sessions() as session:
        left = set(session.scalars(select(Job.id)))
    assert left == {analysis.job_id, waiting.id}


def test_what_a_killed_worker_left_goes_with_its_analysis(
    sessions: Sessions, blobs: LocalBlobs
) -> None:
    """Its files without rows; not the map that another analysis was answered with."""
    with sessions.begin() as session:
        medium = stored_medium(session, blobs)
        first = stored_analysis(session, blobs, medium)
        answered_from(session, first, medium)
        left = f"maps/{first.id}/gated-early-gradcam.npy"
        blobs.put(left, b"a map without a row")
        before = kept(blobs)
    with sessions.begin() as session:
        delete_analysis(session, blobs, session.get_one(Analysis, first.id))
    figure = f"figures/{first.id}/abc.png"
    assert kept(blobs) == [key for key in before if key not in (left, figure)]
