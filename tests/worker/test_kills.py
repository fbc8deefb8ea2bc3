"""kill -9 in the middle: an analysis still ends as if nothing had happened.

A Celery worker's death is noticed by its silence. A local worker's, by its supervisor: that is in
`test_clip_analysis.py`. Many kills at random moments are `tests/soak/test_kills_analyses.py`.
"""

from __future__ import annotations

from tests.support.backend import Server, photo
from tests.support.kills import ends_the_same, killed_in_the_middle, photo_result

MODELS = ("plain", "gated", "l2pa", "cbam")
METHODS = ("attention", "gradcam", "hirescam", "layercam")


def test_a_kill_changes_nothing(celery_server: Server) -> None:
    server, media_id = celery_server, celery_server.add_photo(photo())

    def ask() -> str:
        return server.ask(media_id, MODELS, METHODS, size=224)

    undisturbed = ask()
    assert server.wait(undisturbed).state == "succeeded"
    disturbed = killed_in_the_middle(server, ask, shares=[0.25])
    ends_the_same(server, photo_result, disturbed, undisturbed)
