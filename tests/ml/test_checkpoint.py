"""Checkpoints come back as they went, and say so in words when they cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.errors import MlError
from tests.support import networks as nets

CLASSES = [f"class {i}" for i in range(10)]


def about(mechanism: str, **parameters: Any) -> dict[str, Any]:
    return {
        "mechanism": mechanism,
        "parameters": parameters,
        "stages": ["early", "medium", "late"],
        "backbone": nets.NARROW,
        "classes": CLASSES,
        "metrics": {"accuracy": 0.5},
    }


@pytest.fixture
def saved(tmp_path: Path) -> checkpoints.Checkpoint:
    path = tmp_path / "deep" / "gated.safetensors"
    return checkpoints.save(nets.lively("gated"), path, about("gated"))


@pytest.mark.parametrize(
    ("mechanism", "parameters"), [("residual", {"activation": "spatial"}), ("plain", {})]
)
def test_a_network_comes_back(tmp_path: Path, mechanism: str, parameters: dict[str, str]) -> None:
    network = nets.lively(mechanism, **parameters)
    path = tmp_path / "model.safetensors"
    named = asdict(network.mechanism.parameters_used)
    checkpoint = checkpoints.save(network, path, about(mechanism, **named))
    back = checkpoints.load_network(checkpoints.read(path))
    assert checkpoint.about == checkpoints.read(path).about
    assert not any(m.training for m in back.modules())
    state = back.state_dict()
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(state[name], value.half().float()), name
    images = nets.pictures(2)
    torch.testing.assert_close(back(images).logits, network(images).logits, atol=0.05, rtol=0.05)


EARLIER: dict[str, dict[str, Any]] = {
    "l2pa": {"head": "linear"},
    "residual": {
        "mask": "learnt",
        "resampling": "centred",
        "unit_after": False,
        "biases": True,
    },
    "gated-grid": {"ungated_last": False},
}


@pytest.mark.parametrize("mechanism", EARLIER)
def test_what_an_earlier_card_does_not_name_is_as_it_was(tmp_path: Path, mechanism: str) -> None:
    network = nets.build(mechanism, **EARLIER[mechanism])
    path = tmp_path / "model.safetensors"
    named = asdict(network.mechanism.parameters_used)
    card = about(mechanism, **{k: v for k, v in named.items() if k not in EARLIER[mechanism]})
    checkpoint = checkpoints.save(network, path, card)
    assert checkpoint.spec.parameters == named
    back = checkpoints.load_network(checkpoint)
    assert list(back.state_dict()) == list(network.state_dict())


def test_the_file_is_half_precision_safetensors(saved: checkpoints.Checkpoint) -> None:
    with safe_open(saved.path, "pt") as file:
        assert {file.get_tensor(k).dtype for k in file.keys()} == {torch.float16}  # noqa: SIM118
    assert saved.about["checkpoint"]["bytes"] == saved.path.stat().st_size
    left = sorted(p.name for p in saved.path.parent.iterdir())
    assert left == ["gated.json", "gated.safetensors"]


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def edit(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def tamper(path: Path) -> None:
        side = path.with_suffix(".json")
        values = json.loads(side.read_text())
        change(values)
        side.write_text(json.dumps(values))

    return tamper


def new_weights(path: Path) -> None:
    """Not a safetensors file at all, though the hash is right."""
    path.write_bytes(b"not weights")
    import hashlib

    edit(lambda a: a["checkpoint"].update(sha256=hashlib.sha256(b"not weights").hexdigest()))(path)


TAMPERINGS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a flipped bit": (flip_a_bit, "is not the file that"),
    "a cut file": (lambda p: p.write_bytes(p.read_bytes()[:5000]), "is not the file that"),
    "no JSON": (lambda p: p.with_suffix(".json").unlink(), r"has no gated\.json"),
    "broken JSON": (lambda p: p.with_suffix(".json").write_text("{"), r"gated\.json"),
    "JSON of another kind": (lambda p: p.with_suffix(".json").write_text("[]"), r"gated\.json"),
    "no mechanism": (edit(lambda a: a.pop("mechanism")), "mechanism"),
    "no classes": (edit(lambda a: a.pop("classes")), "classes"),
    "another mechanism": (edit(lambda a: a.update(mechanism="cbam")), "does not fit"),
    "an unknown mechanism": (edit(lambda a: a.update(mechanism="new")), "new"),
    "fewer classes": (edit(lambda a: a.update(classes=CLASSES[:4])), "does not fit"),
    "not weights": (new_weights, "not a safetensors file"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_gets_a_sentence(saved: checkpoints.Checkpoint, what: str) -> None:
    tamper, words = TAMPERINGS[what]
    tamper(saved.path)
    with pytest.raises(MlError, match=words) as error:
        checkpoints.load_network(checkpoints.read(saved.path))
    assert "gated" in error.value.detail or "new" in error.value.detail
    assert error.value.detail.endswith(".")


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MlError, match=r"gone\.safetensors"):
        checkpoints.read(tmp_path / "gone.safetensors")


def test_weights_that_half_precision_cannot_hold_are_noticed() -> None:
    network = nets.build("plain")
    assert checkpoints.fits_half(network)
    with torch.no_grad():
        network.features[3].conv[1][1].running_var[0] = 1e5
    assert not checkpoints.fits_half(network)


def test_such_weights_are_never_written(tmp_path: Path) -> None:
    network = nets.build("plain")
    with torch.no_grad():
        network.features[0][0].weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(MlError, match="finite"):
        checkpoints.save(network, tmp_path / "plain.safetensors", about("plain"))
    assert list(tmp_path.iterdir()) == []


def test_the_catalogue_lists_a_folder_of_checkpoints(tmp_path: Path) -> None:
    for name in ("cbam", "plain"):
        checkpoints.save(nets.lively(name), tmp_path / f"{name}.safetensors", about(name))
    found = catalogue.entries([], tmp_path)
    assert [e.id for e in found] == ["plain", "cbam"]
    model = catalogue.load(found[1])
    assert model.classes == tuple(CLASSES)
    images = nets.pictures(1)
    expected = catalogue.build(found[1])(images).logits
    torch.testing.assert_close(model.network(images).logits, expected, atol=1e-4, rtol=1e-4)
    for entry in found:
        card = json.loads(json.dumps(entry.card(), allow_nan=False))
        assert card["checkpoint"] == {
            "sha256": entry.checkpoint_sha256,
            "bytes": entry.path.stat().st_size,
        }
        assert set(card) >= {
            *("id", "position", "title", "mechanism", "paper", "summary", "equation", "parameters"),
            *("stages", "classes", "input_size", "methods", "head", "default", "metrics", "curves"),
            *("localisation", "training", "weights_origin", "licence", "checkpoint"),
        }
        assert ("attention" in card["methods"]) == (entry.id != "plain")
    with pytest.raises(MlError, match=r"ghost.*plain, cbam"):
        catalogue.find("ghost", found)


def test_a_device_that_is_not_there_gets_a_sentence() -> None:
    assert catalogue.default_device("cpu") == "cpu"
    assert catalogue.default_device() == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(MlError, match="auto"):
            catalogue.default_device("cuda")
    with pytest.raises(MlError, match="auto"):
        catalogue.default_device("toaster")
