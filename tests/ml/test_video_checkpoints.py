"""Models of clips on disk, in the catalogue, and from the command line."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.__main__ import main
from ml.commands import explain
from ml.errors import MlError
from ml.explain.methods import names
from ml.explain.sample import sample_clip
from ml.media import flow
from ml.networks.video.base import VIDEO_MODELS, VideoNetwork, VideoSpec
from tests.support import networks as nets
from tests.support import video_networks as videos
from tests.support.encoding import mp4

pytestmark = pytest.mark.xdist_group("video networks")  # they share what is built


def save(folder: Path, name: str, **spec: object) -> checkpoints.Checkpoint:
    return keep(videos.build(**spec), folder, name)


def keep(network: VideoNetwork, folder: Path, name: str) -> checkpoints.Checkpoint:
    about = {
        **checkpoints.describe_video(network.spec),
        "classes": list(videos.CLASSES),
        "title": name.title(),
        "metrics": {"accuracy": 0.5},
    }
    return checkpoints.save(network, folder / "clips" / f"{name}.safetensors", about)


@pytest.mark.parametrize("spec", [
    {"architecture": "two_stream", "mechanism": "cbam", "flow_mechanism": "gated",
     "stages": ("early", "late"), "flow_length": 5, "fusion": "learnt", "consensus": "attention",
     "consensus_parameters": {"score": "tanh", "hidden": 8}, "weights": (1.0, 2.0),
     "class_index": {"rgb": (0, 0, 1)}},
    {"architecture": "cnn_lstm", "mechanism": "residual", "parameters": {"activation": "spatial"}},
    {"architecture": "mvit"},
], ids=lambda spec: spec["architecture"])  # fmt: skip
def test_a_video_network_is_saved_and_loaded(tmp_path: Path, spec: dict[str, object]) -> None:
    network = videos.lively("mvit") if spec == {"architecture": "mvit"} else videos.build(**spec)
    saved = keep(network, tmp_path, "model")
    found = checkpoints.read(saved.path)
    assert checkpoints.describe_video(found.video_spec) == checkpoints.describe_video(network.spec)
    back = checkpoints.load_video(found)
    state = back.state_dict()
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            expected = value.half().float() if value.is_floating_point() else value
            assert torch.equal(state[name], expected), name
    assert not any(m.training for m in back.modules())


def test_missing_fields_of_a_checkpoint_have_defaults(tmp_path: Path) -> None:
    """What a checkpoint does not say is as usual."""
    saved = save(tmp_path, "model", architecture="two_stream")
    for extra in ("fusion", "weights", "consensus", "flow_length", "class_index"):
        saved.about.pop(extra)
    usual = VideoSpec("two_stream", parameters={"dropout": 0.2}, backbone=nets.NARROW)
    assert replace(saved, about=saved.about).video_spec == replace(usual, classes=3)


def test_models_of_photos_and_clips_are_told_apart(tmp_path: Path) -> None:
    clip = save(tmp_path, "model", architecture="frame_average")
    with pytest.raises(MlError, match="model of clips"):
        checkpoints.load_network(clip)
    about = {"mechanism": "plain", "parameters": {}, "stages": ["late"], "backbone": nets.NARROW}
    photo = checkpoints.save(
        nets.lively("plain"), tmp_path / "plain.safetensors", {**about, "classes": ["a"] * 10}
    )
    with pytest.raises(MlError, match="model of photos"):
        checkpoints.load_video(photo)


def test_the_catalogue_lists_clips_after_photos(tmp_path: Path) -> None:
    save(tmp_path, "fight-gated", architecture="two_stream", mechanism="gated")
    keep(videos.lively("mvit"), tmp_path, "fight-other")
    entries = catalogue.entries([], tmp_path)
    assert [(e.id, e.kind, e.position) for e in entries] == [
        ("fight-gated", "clip", 200),
        ("fight-other", "clip", 201),
    ]
    cards = [json.loads(json.dumps(e.card(), allow_nan=False)) for e in entries]
    assert [card["media"] for card in cards] == ["clip", "clip"]
    assert cards[0]["streams"] == ["rgb", "flow"]
    assert cards[0]["methods"][:2] == ["attention", "gradcam"]
    assert cards[1]["methods"][:2] == ["gradcam", "rollout"]
    assert [s["layer"] for s in cards[1]["stages"]] == ["blocks.2", "blocks.13", "blocks.14"]
    for card, entry in zip(cards, entries, strict=True):
        assert card["default"] is True
        assert card["architecture"] == entry.about["architecture"]
        rollout = VIDEO_MODELS[card["architecture"]].rollout
        assert set(card["methods"]) - {"attention"} == {
            *names("gradients"),
            *(["rollout"] * rollout),
        }
    model = catalogue.load(entries[0])
    batch = videos.batch(model.network, 1)
    expected = catalogue.build_video(entries[0])(batch).logits
    torch.testing.assert_close(model.network(batch).logits, expected, atol=1e-4, rtol=1e-3)


def test_cards_of_photo_models() -> None:
    photos = [e for e in catalogue.entries([]) if e.kind == "image"]
    assert len(photos) == 7
    assert all(e.card()["media"] == "image" for e in photos)
    assert not {"streams", "architecture"} & set(photos[0].card())


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a square that moves to the right, 96 x 64 px, 20 frames a second."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    grain = np.random.default_rng(0).integers(0, 120, (64, 96, 3)).astype(np.uint8)
    frames = [np.roll(grain, 2 * i, 1) for i in range(40)]
    for i, frame in enumerate(frames):
        frame[20:40, 10 + i : 30 + i] = (250, 200, 20)
    path.write_bytes(mp4(frames, 20))
    return path


def test_a_clip_file_is_sampled(film: Path) -> None:
    found = sample_clip(film, segments=4, length=6, size=64)
    assert found.frames.shape == (4, 6, 64, 96, 3)
    assert found.flow.shape == (4, 5, 2, 64, 96)
    np.testing.assert_allclose(found.bounds[:, 0], [0, 0.5, 1, 1.5])
    np.testing.assert_allclose(np.diff(found.times), 0.05, atol=1e-6)
    middle = found.bounds.mean(1)
    assert np.abs(found.snippet_times - middle).max() < 0.06
    moved = flow.dequantise(found.flow)[:, :, 0]
    assert 0.5 < np.median(moved) < 2.5  # to the right
    part = sample_clip(film, 2, 3, 64, start_s=1.0, end_s=1.4, fit="squash")
    assert part.frames.shape == (2, 3, 64, 64, 3)
    np.testing.assert_allclose(part.bounds, [[1.0, 1.2], [1.2, 1.4]])
    with pytest.raises(MlError, match="nothing from"):
        sample_clip(film, start_s=5)


def options(*given: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    explain.COMMAND.options(parser)
    return parser.parse_args([str(word) for word in given])


def test_explain_draws_a_clips_contact_sheet(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path, "fight-gated", architecture="two_stream", mechanism="gated")
    figure, maps = tmp_path / "sheet.png", tmp_path / "maps.npz"
    asked = options(film, "-o", figure, "--npz", maps, "--segments", 3, "--size", 96)
    assert explain.is_clip(film)
    explain.run(asked, catalogue.entries([], tmp_path))
    said = capsys.readouterr().out
    assert "2 rows" in said
    assert "logit of" in said
    with Image.open(figure) as drawn:
        assert drawn.format == "PNG"
    stored = np.load(maps)
    assert stored["fight-gated/flow/late/attention"].shape == (3, 3, 5)
    assert stored["times/fight-gated/flow/late/attention"].shape == (3,)
    assert stored["shares/fight-gated/rgb"].shape == (3,)
    with pytest.raises(MlError, match="No model of clips"):
        explain.run(asked, [])


def test_list_names_architectures_and_fusions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    for name in (*VIDEO_MODELS, "consensus", "softmax", "learnt", "rollout"):
        assert name in said
