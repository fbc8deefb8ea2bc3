"""Workers killed at random moments: every analysis has the results of an uninterrupted one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import clip_models as clips
from tests.support.backend import Server, celery_backend, local_backend, photo
from tests.support.kills import clip_result, photo_result, random_kills

KILLS = 3  # a round
METHODS = ("attention", "gradcam", "hirescam", "layercam")


@pytest.fixture(params=["local", "celery"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A separate server in each queue mode."""
    if request.param == "local":
        with local_backend(tmp_path / "home") as server:
            yield server
    else:
        address = request.getfixturevalue("postgres")
        with celery_backend(tmp_path / "home", address) as server:
            yield server


@pytest.mark.timeout(0)  # it ends when its minutes are used up
def test_kills_change_nothing(server: Server, rounds: Iterator[int]) -> None:
    for seed in rounds:
        media_id = server.add_photo(photo(seed))

        def ask(media_id: str = media_id) -> str:
            return server.ask(media_id, methods=METHODS, size=512)

        random_kills(server, ask, photo_result, random.Random(seed), KILLS)


@pytest.mark.timeout(0)
def test_kills_of_clips_change_nothing(tmp_path: Path, rounds: Iterator[int]) -> None:
    with local_backend(tmp_path / "home") as server:
        names = ("tiny", "tinier", "tiniest")
        models = [clips.publish(server, tmp_path / "checkpoints", name) for name in names]
        for seed in rounds:
            media_id = clips.add_clip(server, clips.film(seed))

            def ask(media_id: str = media_id) -> str:
                clips.forget_flow(server, media_id)
                return clips.ask(server, media_id, models, size=224)

            random_kills(server, ask, clip_result, random.Random(seed), KILLS)
