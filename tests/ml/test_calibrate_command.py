"""`python -m ml calibrate`: figures go into the card, and the weights stay as they are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from ml import checkpoint as checkpoints
from ml.__main__ import main
from ml.calibrate import find_others
from ml.calibration.record import NOT_SURE, Calibration
from ml.catalogue import (
    CALIBRATED_ON_PHOTOS,
    NOT_CALIBRATED,
    CatalogueEntry,
    entries,
    find,
    load,
)
from ml.checkpoint import describe_video
from ml.errors import MlError
from ml.networks.network import NetworkSpec, build_network
from ml.networks.video.base import VideoSpec, build_video
from ml.networks.weights import FILE_NAME
from tests.support import camera_clips
from tests.support import toy_images as toys

pytestmark = pytest.mark.usefixtures("narrow")


def save_model(folder: Path, classes: tuple[str, ...] = toys.CLASSES) -> Path:
    spec = NetworkSpec(num_classes=len(classes))
    about = {k: v for k, v in asdict(spec).items() if k not in ("num_classes", "in_channels")}
    path = folder / "plain.safetensors"
    checkpoints.save(build_network(spec), path, {**about, "classes": list(classes)})
    return path


def save_clip_model(folder: Path) -> Path:
    spec = VideoSpec(mechanism="plain", classes=2)
    path = folder / "clips" / "ways.safetensors"
    about = {**describe_video(spec), "classes": list(camera_clips.WAYS), "note": "as it was"}
    checkpoints.save(build_video(spec), path, about)
    return path


def others(root: Path, count: int = 3) -> Path:
    root.mkdir()
    rng = np.random.default_rng(0)
    for i in range(count):
        noise = rng.integers(0, 255, (60, 90, 3), np.uint8)
        Image.fromarray(noise).save(root / f"noise{i}.png")
    (root / "broken.jpg").write_bytes(b"no photo")
    return root


def test_a_card_gets_its_figures_and_the_tensors_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save_model(tmp_path / "models")
    before, tensors = checkpoints.read(path), load_file(path)
    data, strange = toys.folder(tmp_path / "toys"), others(tmp_path / "strange")
    clip = camera_clips.folder(tmp_path / "ways", train=0) / "val" / "pan left" / "0.mp4"
    clip.rename(strange / "moving.mp4")
    words = ["calibrate", "--data", data, "--others", strange, "--checkpoints", path.parent]
    assert main([*map(str, words)]) == 0
    assert checkpoints.read(path) == before  # nothing is written without --write
    assert main([*map(str, words), "--write", "--rate", "0.25"]) == 0
    assert "plain: temperature" in capsys.readouterr().out
    after = checkpoints.read(path)
    record = Calibration.of(after.about)
    assert record is not None
    assert record.domain is not None
    assert (record.count, record.data) == (4, "toys")
    assert record.domain.others == 3 + 8  # three photos, eight frames of a clip
    assert record.domain.abstains_inside <= 0.25
    assert {k: v for k, v in after.about.items() if k != "calibration"} == before.about
    assert after.sha256 == before.sha256
    for name, tensor in load_file(path).items():
        assert torch.equal(tensor, tensors[name]), name


def test_a_model_of_clips_is_calibrated_on_clips(tmp_path: Path) -> None:
    path = save_clip_model(tmp_path / "models")
    data = camera_clips.folder(tmp_path / "ways", train=0, val=2)
    words = ["calibrate", "--data", data, "--checkpoints", tmp_path / "models", "--most", 3]
    assert main([*map(str, words), "--write"]) == 0
    about = checkpoints.read(path).about
    record = Calibration.of(about)
    assert record is not None
    assert record.count == 3
    assert record.domain is None
    assert about["note"] == "as it was"


def test_imagenet_weights_put_in_place_are_not_calibrated_until_they_are(tmp_path: Path) -> None:
    state = build_network(NetworkSpec(num_classes=1000)).state_dict()
    state = {n.replace("mechanism.classifier", "classifier"): t for n, t in state.items()}
    weights = tmp_path / "weights"
    weights.mkdir()
    save_file(state, weights / FILE_NAME)

    def cards() -> tuple[CatalogueEntry, CatalogueEntry]:
        known = entries([weights])
        return find("plain-imagenet", known), find("imagenet-clip", known)

    for entry in cards():
        assert entry.card()["note"] == NOT_CALIBRATED
        assert load(entry).calibration is None
    rng = np.random.default_rng(0)
    for synset in ("n03028079", "n03445777"):
        folder = tmp_path / "data" / "val" / synset
        folder.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 255, (60, 60, 3), np.uint8)).save(folder / "a.png")
    words = ["calibrate", "--models", "plain-imagenet", "--weights", weights, "--write"]
    assert main([*map(str, words), "--data", str(tmp_path / "data")]) == 0
    photos, clips = cards()
    record = load(photos).calibration
    assert record is not None
    assert record.domain is not None
    assert (record.count, record.domain.rule) == (2, NOT_SURE.rule)
    assert photos.card()["note"] is None
    assert clips.card()["summary"].endswith(CALIBRATED_ON_PHOTOS)
    assert photos.card()["metrics"] == {}  # those of the weights that come along are not theirs


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--models", "plain"], "not those of the models"),
        (["--models", "nobody"], "no model 'nobody'"),
        (["--rate", "1"], "--rate"),
    ],
)
def test_what_does_not_fit_is_said(
    tmp_path: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save_model(tmp_path / "models", ("cat", "dog"))
    data = toys.folder(tmp_path / "toys", train=1, val=1)
    fixed = ["calibrate", "--data", str(data), "--checkpoints", str(path.parent)]
    assert main([*fixed, *words]) == 2
    assert sentence in capsys.readouterr().err


def test_others_show_none_of_the_classes(tmp_path: Path) -> None:
    for name in ("n03028079_church.jpg", "n02391049_zebra.jpg", "notes.txt", "church/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.name for p in find_others([tmp_path], ("church",)).files] == ["n02391049_zebra.jpg"]
    with pytest.raises(MlError, match="No photos or clips"):
        find_others([tmp_path / "church"], ("church",))


def test_the_1000_class_network_is_calibrated_on_some_of_its_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trunk = build_network(NetworkSpec()).state_dict()
    state = {name: value for name, value in trunk.items() if name.startswith("features.")}
    head = {"classifier.1.weight": torch.randn(1000, 1280), "classifier.1.bias": torch.zeros(1000)}
    weights = tmp_path / "weights"
    weights.mkdir()
    save_file({**state, **head}, weights / FILE_NAME)
    data = toys.folder(tmp_path / "toys", train=1, val=2)
    for name, synset in zip(toys.CLASSES, ("n03028079", "n03445777"), strict=True):
        (data / "val" / name).rename(data / "val" / synset)
    fixed = ["calibrate", "--data", data, "--weights", weights, "--checkpoints", tmp_path / "none"]
    assert main([*map(str, fixed), "--models", "plain-imagenet"]) == 0
    assert "on 4; abstains by max_softmax below -1.20" in capsys.readouterr().out
