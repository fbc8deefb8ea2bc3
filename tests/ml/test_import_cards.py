"""What is kept of an imported model's card builds the same network again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch

from app.core.errors import Unprocessable
from app.training.models import cards, headers
from ml import checkpoint as checkpoints
from ml.calibration.record import Calibration
from ml.catalogue import SHIPPED
from ml.model_card import ModelCard
from ml.networks.video.base import VIDEO_MODELS, VideoSpec, build_video

FILES = sorted(SHIPPED.rglob("*.safetensors"))


CALIBRATION = checkpoints.read(SHIPPED / "gated.safetensors").about["calibration"]
DOMAIN = CALIBRATION["domain"]


def stored(card: bytes) -> ModelCard:
    """What an import writes beside the checkpoint."""
    return cast("ModelCard", cards.read(card).model_dump(mode="json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_model_could_be_imported(path) -> None:
    checkpoint = checkpoints.read(path)
    headers.check(path)
    about = stored(path.with_suffix(".json").read_bytes())
    kept = checkpoints.Checkpoint(path, checkpoint.sha256, about)
    assert kept.kind == checkpoint.kind
    assert Calibration.of(about) == Calibration.of(checkpoint.about)
    if checkpoint.kind == checkpoints.CLIP:
        assert kept.video_spec == checkpoint.video_spec
        assert about["metrics"]["interval"] == checkpoint.about["metrics"]["interval"]
    else:
        assert kept.spec == checkpoint.spec
        assert about["metrics"] == checkpoint.about["metrics"]


@pytest.mark.parametrize("architecture", list(VIDEO_MODELS))
def test_a_card_of_every_architecture_and_its_tensors_are_let_through(architecture: str) -> None:
    spec = VideoSpec(architecture)
    with torch.device("meta"):  # shapes and names only
        names = build_video(spec).state_dict()
    assert [name for name in names if not headers.NAME.fullmatch(name)] == []
    kept = stored(card(**checkpoints.describe_video(spec), classes=["a", "b"]))
    named = replace(spec, parameters={"dropout": 0.2})  # a card names all parameters
    assert checkpoints.Checkpoint(Path(), "", kept).video_spec == named


def card(**changes: object) -> bytes:
    about = json.loads((SHIPPED / "clips" / "fight-gated.json").read_text())
    return json.dumps({**about, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"architecture": "../two_stream"}, "architecture"),
        ({"weights": [1]}, "weights.1"),
        ({"flow_length": 0}, "flow_length"),
        ({"class_index": {"sound": [0]}}, "class_index"),
        ({"metrics": {"accuracy": "high"}}, "metrics.accuracy"),
        ({"metrics": {"interval": [0.1]}}, "metrics.interval"),
        ({"calibration": {**CALIBRATION, "temperature": 0}}, "calibration.temperature"),
        ({"calibration": {**CALIBRATION, "domain": {}}}, "calibration.domain.rule"),
        ({"calibration": {**CALIBRATION, "domain": {**DOMAIN, "scale": 0}}}, "calibration.domain"),
    ],
)
def test_a_card_of_clips_that_is_wrong_says_where(changes: dict[str, object], place: str) -> None:
    with pytest.raises(Unprocessable, match=f"card: {place}"):
        cards.read(card(**changes))


def test_what_pages_do_not_show_is_left_out() -> None:
    about = stored(card(script="<script>", metrics={"accuracy": 0.5, "masks": {"rgb": {}}}))
    assert "script" not in about
    assert about["metrics"] == {"accuracy": 0.5}
