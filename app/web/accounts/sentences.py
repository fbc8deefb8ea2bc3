"""The audit in sentences: who did what, with names, and links to what is still there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.accounts.audit import COMMAND_LINE
from app.db import datasets, models, training
from app.db.account_tables import AuditEntry
from app.web.http.identity import VISITOR

WORDS: Mapping[str, str] = {
    "dataset.cancel": "stopped the import of {dataset}",
    "dataset.confirm": "decided how to read {dataset}",
    "dataset.create": "brought {dataset}",
    "dataset.delete": "deleted {dataset}",
    "invitation.accept": "became an admin by an invitation",
    "invitation.create": "made an invitation",
    "invitation.revoke": "took an invitation back",
    "link.create": "made a link to sign in with",
    "model.default": "put {model} into the usual table",
    "model.import": "imported {model}",
    "model.no-default": "took {model} out of the usual table",
    "model.publish": "published {model}, an import",
    "model.remove": "removed {model}",
    "password.change": "changed the password",
    "person.remove": "removed {person}",
    "run.cancel": "cancelled {run}",
    "run.delete": "deleted {run}",
    "run.move": "moved {run} in the queue",
    "run.pause": "paused {run}",
    "run.publish": "published {model}",
    "run.resume": "resumed {run}",
    "run.unpublish": "unpublished {model}",
    "session.revoke": "signed {browser} out",
    "sign-in": "signed in by {by}",
    "sign-in.failed": "could not sign in as {target}",
    "sign-out": "signed out",
    "study.create": "started {study}",
    "study.delete": "deleted {study}",
    "takedown.analysis": "took down the analysis of {file}",
    "takedown.owner": "took down all uploads of {owner}",
    "takedown.upload": "took down the upload {file}",
    "token.create": "made {token}",
    "token.revoke": "revoked {token}",
}
NAMELESS = {
    "browser": "a browser",
    "dataset": "a dataset",
    "file": "a file",
    "model": "a model",
    "owner": "a visitor",
    "person": "a person",
    "run": "a run",
    "study": "a study",
    "token": "a token",
}
ACTORS = {VISITOR.actor: "Somebody", COMMAND_LINE: "The command line"}


class Part(NamedTuple):
    """A piece of a sentence; with `href` a link."""

    text: str
    href: str | None = None


def title(action: str) -> str:
    """Return an action without its objects, for a list to choose from: `Published a model`."""
    words = WORDS.get(action, action.replace(".", " "))
    filled = re.sub(r"\{(\w+)\}", lambda match: NAMELESS.get(match[1], ""), words)
    return re.sub(r" (by|as)? ?$", "", filled).capitalize()


def actor(entry: AuditEntry) -> tuple[str, str]:
    """Return who did it, and the token that they used or nothing."""
    name, _, token = entry.actor.partition(" by token ")
    return ACTORS.get(name, name), token


def sentences(session: Session, entries: Sequence[AuditEntry]) -> list[list[Part]]:
    """Return what was done in each entry, without who did it."""
    known = _known(session, entries)
    return [_sentence(entry, known) for entry in entries]


def _sentence(entry: AuditEntry, known: frozenset[str]) -> list[Part]:
    words = WORDS.get(entry.action, entry.action)
    pieces = re.split(r"\{(\w+)\}", words)  # words and names in turn
    parts = [
        _named(piece, entry, known) if place % 2 else Part(piece)
        for place, piece in enumerate(pieces)
    ]
    return [part for part in parts if part.text]


def _named(kind: str, entry: AuditEntry, known: frozenset[str]) -> Part:
    """Return the name of what an action was done to; entries of earlier versions have fewer."""
    detail, target = entry.detail, entry.target or ""
    match kind:
        case "model":
            model_id = str(detail.get("model", target))
            return _link(detail.get("title", model_id), f"/models/{model_id}", known)
        case "run":
            of = f", {detail['study']}" if "study" in detail else ""
            text = f"{detail.get('run', NAMELESS['run'])}{of}"
            return _link(text, f"/training/{detail.get('study_id')}", known)
        case "study" | "dataset":
            folder = "training" if kind == "study" else "datasets"
            return _link(detail.get("name", NAMELESS[kind]), f"/{folder}/{target}", known)
        case "browser":
            return Part("every browser" if "sessions" in detail else "a browser")
        case "token":
            return Part(f"the token {detail['name']}")
        case "owner":
            return Part(f"{'user' if target.startswith('user:') else 'visitor'} {target[-32:][:8]}")
        case "target":
            return Part(target)
        case _:
            return Part(str(detail.get(kind, "…")))


def _link(text: str, href: str, known: frozenset[str]) -> Part:
    return Part(text, href if href in known else None)


def _known(session: Session, entries: Sequence[AuditEntry]) -> frozenset[str]:
    """Return the addresses of all models, datasets and studies of these entries that exist."""
    targets = {entry.target for entry in entries if entry.target}
    studies = targets | {
        entry.detail["study_id"] for entry in entries if "study_id" in entry.detail
    }
    return frozenset(
        [f"/models/{card['id']}" for card in models.cards(session, models.SERVER)]
        + [f"/datasets/{one}" for one in datasets.existing(session, targets)]
        + [f"/training/{one}" for one in training.existing_studies(session, studies)]
    )
