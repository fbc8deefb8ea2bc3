"""Validation of analysis requests, and their fingerprints."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.jobs import parameters
from app.jobs.parameters import IMAGENET, AnalysisRequest, fingerprint

MEDIA = "0" * 32
REQUEST = {"media_id": MEDIA, "models": ["plain", "cbam"], "methods": ["attention", "gradcam"]}
CHECKPOINTS = {"plain": "a" * 64, "cbam": "b" * 64}


def request(**changes: object) -> AnalysisRequest:
    return AnalysisRequest.model_validate(REQUEST | changes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": []},
        {"models": ["../x"]},
        {"methods": []},
        {"methods": ["Grad-CAM"]},
        {"target": -1},
        {"target": True},
        {"target": 1.5},
        {"target": "x" * 200},
        {"input_size": 95},
        {"input_size": 513},
        {"fit": "stretch"},
        {"media_id": "x"},
        {"unknown": 1},
    ],
)
def test_an_invalid_request_is_rejected(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        request(**wrong)


def test_targets_keep_their_type() -> None:
    assert request(target=3).target == 3
    assert request(target="3").target == "3"
    assert request().target == "top"


def test_equal_requests_have_the_same_fingerprint() -> None:
    first = fingerprint("c" * 64, request(), CHECKPOINTS)
    swapped = request(models=["cbam", "plain"], methods=["gradcam", "attention"])
    other_medium = request(media_id="1" * 32)
    assert fingerprint("c" * 64, swapped, CHECKPOINTS) == first
    assert fingerprint("c" * 64, other_medium, CHECKPOINTS) == first


def test_what_was_stored_before_there_was_a_choice_was_squashed() -> None:
    assert request().fit == "squash"


def test_a_method_that_has_changed_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was stored of it before would answer another question; other answers stay."""
    asked = [request(methods=methods) for methods in (["gradcam", "gradcampp"], ["gradcam"])]
    now = [fingerprint("c" * 64, one, CHECKPOINTS) for one in asked]
    monkeypatch.setattr(parameters, "CHANGED", {})
    before = [fingerprint("c" * 64, one, CHECKPOINTS) for one in asked]
    assert now[0] != before[0]
    assert now[1] == before[1]


def test_a_photo_that_is_read_anew_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = fingerprint("c" * 64, request(), CHECKPOINTS)
    monkeypatch.setattr(parameters, "PHOTO_READING", parameters.PHOTO_READING + 1)
    assert fingerprint("c" * 64, request(), CHECKPOINTS) != now


def test_different_requests_have_different_fingerprints() -> None:
    changed = [
        fingerprint("d" * 64, request(), CHECKPOINTS),
        fingerprint("c" * 64, request(), CHECKPOINTS | {"cbam": "e" * 64}),
        fingerprint("c" * 64, request(), CHECKPOINTS | {"cbam": ("b" * 64, {"temperature": 2})}),
        fingerprint("c" * 64, request(), CHECKPOINTS | {IMAGENET: "f" * 64}),
        fingerprint("c" * 64, request(models=["plain"]), CHECKPOINTS),
        fingerprint("c" * 64, request(methods=["gradcam"]), CHECKPOINTS),
        fingerprint("c" * 64, request(target=1), CHECKPOINTS),
        fingerprint("c" * 64, request(target="1"), CHECKPOINTS),
        fingerprint("c" * 64, request(input_size=256), CHECKPOINTS),
        fingerprint("c" * 64, request(fit="shape"), CHECKPOINTS),
        fingerprint("c" * 64, request(fit="crop"), CHECKPOINTS),
        fingerprint("c" * 64, request(place={"share": 0.5, "x": 0, "y": 1}), CHECKPOINTS),
        fingerprint("c" * 64, request(place={"share": 0.5, "x": 1, "y": 0}), CHECKPOINTS),
        fingerprint("c" * 64, request(), CHECKPOINTS),
    ]
    assert len(set(changed)) == len(changed)
