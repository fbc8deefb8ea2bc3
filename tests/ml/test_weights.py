"""ImageNet weights: search, download, fit, and accuracy on photos."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from app.core.settings import Settings
from ml.__main__ import main
from ml.errors import MlError
from ml.media.photo import load_rgb, squash
from ml.networks import weights
from ml.networks.network import NetworkSpec, build_network
from tests.support import networks as nets


def offline(*_args: object, **_options: object) -> None:
    raise OSError("no route to host")


def test_missing_weights_are_reported_with_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MobileNet_V2_Weights, "get_state_dict", offline)
    with pytest.raises(MlError) as error:
        weights.fetch_imagenet([tmp_path])
    for words in (
        "--weights",
        "SIGHTLINE_WEIGHTS_DIR",
        weights.FILE_NAME,
        "download",
        "https://",
        "no route",
    ):
        assert words in error.value.detail


def test_training_starts_from_what_comes_along_only_as_a_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is named goes first, then torchvision's own; the card says which it was."""
    own = {k: torch.zeros(1) for k in ("features.0.0.weight", "classifier.1.bias")}
    monkeypatch.setattr(MobileNet_V2_Weights, "get_state_dict", lambda *_a, **_o: own)
    downloaded = weights.load_imagenet([tmp_path])
    assert downloaded.state.keys() == own.keys()
    assert downloaded.origin.startswith("torchvision MobileNet_V2_Weights.IMAGENET1K_V2")
    monkeypatch.setattr(MobileNet_V2_Weights, "get_state_dict", offline)
    shipped = weights.load_imagenet([tmp_path])
    assert "comes along" in shipped.origin
    assert shipped.state["classifier.1.weight"].shape == (1000, 1280)
    save_file(own, tmp_path / weights.FILE_NAME)
    named = weights.load_imagenet([tmp_path])
    assert named.state.keys() == own.keys()
    assert "comes along" not in named.origin
    assert "int8" in shipped.origin
    assert "int8" not in named.origin


def test_a_copy_of_what_comes_along_is_known_as_such(tmp_path: Path) -> None:
    """It is the int8 release in any folder, and a card says so."""
    shutil.copy(weights.SHIPPED / weights.FILE_NAME, tmp_path)
    assert weights.load_imagenet([tmp_path]).origin.endswith(
        "(torchvision's int8 release as float16)"
    )


def test_what_comes_along_is_never_taken_for_torchvisions_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(MobileNet_V2_Weights, "get_state_dict", offline)
    assert main(["weights", str(tmp_path / "there")]) == 2
    assert "not found" in capsys.readouterr().err
    assert not (tmp_path / "there" / weights.FILE_NAME).exists()


def test_a_local_file_is_found_in_either_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server searches `WEIGHTS_DIR`, and `weights` inside `DATA`."""
    full = mobilenet_v2().state_dict()
    state = {k: v.half() if v.is_floating_point() else v for k, v in full.items()}
    monkeypatch.setenv("SIGHTLINE_WEIGHTS_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    folders = Settings().weights_dirs
    assert folders == [tmp_path / "own", tmp_path / "data" / "weights"]
    for folder in reversed(folders):
        folder.mkdir(parents=True)
        save_file(state, folder / weights.FILE_NAME)
        assert weights.find_local(folders) == folder / weights.FILE_NAME
    loaded = weights.load_imagenet(folders)
    assert weights.FILE_NAME in loaded.origin
    assert torch.equal(loaded.state["classifier.1.bias"], state["classifier.1.bias"].float())
    assert loaded.state["features.0.0.weight"].dtype == torch.float32


def test_the_command_copies_the_weights_that_a_folder_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = {k: v.half() for k, v in nets.lively("plain").state_dict().items()}
    (tmp_path / "here").mkdir()
    save_file(state, tmp_path / "here" / weights.FILE_NAME)
    there = tmp_path / "there"
    assert main(["weights", str(there), "--weights", str(tmp_path / "here")]) == 0
    assert torch.equal(
        load_file(there / weights.FILE_NAME)["features.0.0.weight"], state["features.0.0.weight"]
    )
    assert "--weights" in capsys.readouterr().out


def test_only_the_trunk_is_taken_unless_the_head_is_asked_for() -> None:
    state = mobilenet_v2().state_dict()
    small, large = build_network(NetworkSpec("cbam")), build_network(NetworkSpec(num_classes=1000))
    head = small.mechanism.classifier[1].weight.clone()
    weights.put_into(small, state)
    weights.put_into(large, state, head=True)
    assert torch.equal(small.mechanism.classifier[1].weight, head)
    assert torch.equal(small.features[4].conv[0][0].weight, state["features.4.conv.0.0.weight"])
    assert torch.equal(large.mechanism.classifier[1].weight, state["classifier.1.weight"])


def test_weights_that_do_not_fit_are_rejected() -> None:
    network = build_network(NetworkSpec())
    state = {k: v for k, v in mobilenet_v2().state_dict().items() if "features.9." not in k}
    with pytest.raises(MlError, match=r"do not fit .*features\.9"):
        weights.put_into(network, state)
    narrow = {k: v[:1] if v.ndim else v for k, v in nets.lively("plain").state_dict().items()}
    with pytest.raises(MlError, match="do not fit"):
        weights.put_into(network, narrow)


def test_normalise_uses_imagenets_mean_and_deviation(photo_array: np.ndarray) -> None:
    pair = np.stack([photo_array, photo_array[::-1]])
    batch = torch.from_numpy(pair.transpose(0, 3, 1, 2).copy())
    kept = batch.clone()
    found = weights.normalise(batch)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = (pair / 255 - mean) / std
    np.testing.assert_allclose(found.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)
    assert torch.equal(batch, kept)
    preset = MobileNet_V2_Weights.IMAGENET1K_V2.transforms()
    assert (preset.mean, preset.std) == (list(weights.MEAN), list(weights.STD))


def test_squash_keeps_the_whole_photo(photo_array: np.ndarray) -> None:
    image = Image.fromarray(photo_array)
    square = squash(image, 96)
    assert square.shape == (96, 96, 3)
    assert square.dtype == np.uint8
    assert abs(square.astype(float).mean() - photo_array.astype(float).mean()) < 1
    edges = Image.new("RGB", (400, 100))
    edges.paste("red", (0, 0, 100, 100))
    edges.paste("blue", (300, 0, 400, 100))
    shrunk = squash(edges, 40)
    assert shrunk[20, 3].tolist() == [255, 0, 0]
    assert shrunk[20, 36].tolist() == [0, 0, 255]
    assert shrunk[20, 20].tolist() == [0, 0, 0]


def test_squash_is_antialiased() -> None:
    """One-pixel stripes become an even grey, not wider stripes."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    shrunk = squash(Image.fromarray(stripes), 32)
    assert np.abs(shrunk[:, 2:-2].astype(int) - 127).max() <= 2


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_orientation_is_applied(
    orientation: int, photo_array: np.ndarray, save_photo: Callable[..., Path]
) -> None:
    """The stored pixels are rotated; EXIF tells how to undo that."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.asarray(Image.fromarray(photo_array).transpose(undo))
    turned = load_rgb(save_photo(stored, "turned.png", exif=exif))
    assert np.array_equal(np.asarray(turned), photo_array)
