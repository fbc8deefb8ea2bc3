"""The audit in sentences: names, links to what is still there, and words for every action."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.accounts import audit
from app.db.account_tables import AuditEntry
from app.web.accounts import sentences
from tests.support.web import Api

ROOT = Path(__file__).resolve().parents[2]
RUN = {"run": "CBAM", "study": "Six of them", "study_id": "5" * 32}


def entry(
    action: str, target: str | None = None, actor: str = "ada", **detail: object
) -> AuditEntry:
    return AuditEntry(action=action, actor=actor, address="", target=target, detail=detail)


@pytest.mark.parametrize(
    ("made", "parts"),
    [
        (
            entry("run.publish", "1" * 32, model="plain", title="CBAM, flowers", **RUN),
            [("published ", None), ("CBAM, flowers", "/models/plain")],
        ),
        (
            entry("model.remove", "gone", title="CBAM, pets"),
            [("removed ", None), ("CBAM, pets", None)],
        ),
        (
            entry("run.pause", "1" * 32, **RUN),
            [("paused ", None), ("CBAM, Six of them", None)],
        ),
        (entry("run.pause", "1" * 32), [("paused ", None), ("a run", None)]),  # of before
        (
            entry("dataset.create", "2" * 32, name="insects"),
            [("brought ", None), ("insects", None)],
        ),
        (
            entry("session.revoke", "all", sessions=3),
            [("signed ", None), ("every browser", None), (" out", None)],
        ),
        (entry("never.heard"), [("never.heard", None)]),
    ],
)
def test_what_was_done(api: Api, made: AuditEntry, parts: list[tuple[str, str | None]]) -> None:
    with api.web.readers() as session:
        assert sentences.sentences(session, [made]) == [parts]


def test_who_did_it() -> None:
    assert sentences.actor(entry("x", actor="ada by token ci")) == ("ada", "ci")
    assert sentences.actor(entry("x", actor="visitor")) == ("Somebody", "")
    assert sentences.actor(entry("x", actor=audit.COMMAND_LINE)) == ("The command line", "")


def test_every_action_of_the_code_has_words() -> None:
    """An action without words would be shown as its code."""
    found: set[str] = set()
    for path in (ROOT / "app").rglob("*.py"):
        found |= set(re.findall(r'"([a-z-]+\.[a-z]+|sign-in|sign-out)"', path.read_text()))
    kinds = {name.partition(".")[0] for name in sentences.WORDS}
    actions = {name for name in found if name.partition(".")[0] in kinds}
    assert actions - sentences.WORDS.keys() == set()
    for name in sentences.WORDS:
        assert re.fullmatch(r"[A-Z][a-z, -]+", sentences.title(name))
    titles = [sentences.title(name) for name in sentences.WORDS]
    assert len(set(titles)) == len(titles)  # a list to choose from
