"""`python -m ml`, as a person runs it: what it draws and writes, and what it says of mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml import catalogue
from ml import checkpoint as checkpoints
from ml.__main__ import main
from ml.explain.explain import explain
from ml.explain.methods import METHODS
from ml.media.photo import fitted, load_rgb, made_small
from ml.media.place import Place
from ml.networks.attention.base import MECHANISMS
from ml.networks.video.types import Sampled
from tests.support import toy_images as toys

PLAIN = {"plain-imagenet", "plain"}
SEVEN = {*PLAIN, "l2pa", "gated", "gated-grid", "residual", "cbam"}
STAGES = ("early", "medium", "late", "combined")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A process of its own, as a person starts it; the other tests call `main` in this one."""
    return subprocess.run(
        [sys.executable, "-m", "ml", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def photo(photo_array: np.ndarray, save_photo: Callable[..., Path]) -> Path:
    return save_photo(photo_array, "photo.jpg", quality=95)


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    for name in (*MECHANISMS, *METHODS, "mean_flow", "deep_sup", *SEVEN):
        assert name in said
    assert said.count("%") >= 7  # their accuracies


def test_explain_says_what_was_guessed(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo.write_bytes(photo.read_bytes()[:-2])
    words = ["--models", "plain", "--size", "96", "-o", str(tmp_path / "figure.png")]
    assert main(["explain", str(photo), *words]) == 0
    said = capsys.readouterr().out
    assert "photo.jpg: The file ends early: its last bytes are missing." in said


def test_explain_draws_the_table_and_keeps_the_maps(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure, maps = tmp_path / "figure.png", tmp_path / "maps.npz"
    words = ["-o", figure, "--npz", maps, "--size", 96, "--target", "church"]
    assert main(["explain", str(photo), *map(str, words)]) == 0
    assert "12 rows" in capsys.readouterr().out
    with Image.open(figure) as drawn:
        assert drawn.format == "PNG"
        assert min(drawn.size) > 800
    stored = np.load(maps)
    both = {f"{m}/{s}/{k}" for m in SEVEN for s in STAGES for k in ("attention", "gradcam")}
    both -= {f"{m}/{s}/attention" for m in PLAIN for s in STAGES}
    channels = {f"residual/{s}/attention-channels" for s in STAGES[:3]}
    assert set(stored.files) == both | channels
    model = catalogue.load(catalogue.find("gated", catalogue.entries()))
    seen = Sampled.of_photo(fitted(load_rgb(photo), 96, "shape"))
    for track in explain(model, seen, target="church").tracks:
        found = stored[f"gated/{track.stage}/{track.method}"]
        np.testing.assert_allclose(found, track.values[0], atol=1e-5, rtol=1e-4)


def test_a_class_that_some_models_know_is_explained_by_these(photo: Path, tmp_path: Path) -> None:
    """The others explain none: not another class in its place."""
    drawn, maps = tmp_path / "figure.png", tmp_path / "maps.npz"
    words = ["--models", "plain-imagenet", "cbam", "--methods", "gradcam", "--size", "96"]
    words = [str(photo), "-o", str(drawn), "--npz", str(maps), *words]
    found = []
    for target in ("golfcart", "top"):
        assert main(["explain", *words, "--target", target]) == 0
        found.append(dict(np.load(maps)))
    named, own = found
    assert not np.allclose(named["plain-imagenet/late/gradcam"], own["plain-imagenet/late/gradcam"])
    assert "cbam/late/gradcam" in own
    assert "cbam/late/gradcam" not in named


def test_explain_makes_a_photo_small(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = tmp_path / "maps.npz"
    words = [str(photo), "-o", str(tmp_path / "figure.png"), "--npz", str(maps), "--size", "96"]
    words = ["explain", *words, "--models", "plain", "--methods", "gradcam", "--place"]
    assert main([*words, "0.35,0.8,0.2"]) == 0
    seen = Sampled.of_photo(made_small(load_rgb(photo), 96, Place(0.35, 0.8, 0.2)))
    model = catalogue.load(catalogue.find("plain", catalogue.entries()))
    late = next(t for t in explain(model, seen, methods=("gradcam",)).tracks if t.stage == "late")
    np.testing.assert_allclose(np.load(maps)["plain/late/gradcam"], late.values[0], atol=1e-5)
    for wrong, sentence in (("0.35,0.8", "three numbers"), ("2,0,0", "from 0.1 to 1")):
        with pytest.raises(SystemExit):
            main([*words, wrong])
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_explain_draws_for_papers(photo: Path, tmp_path: Path, suffix: str) -> None:
    figure = tmp_path / f"figure.{suffix}"
    options = ["--models", "plain", "cbam", "--methods", "gradcam", "layercam", "--size", "96"]
    maps = tmp_path / "maps.npz"
    options += ["--fit", "crop", "--npz", str(maps)]
    assert main(["explain", str(photo), "-o", str(figure), *options]) == 0
    assert np.load(maps)["cbam/combined/gradcam"].shape == (96, 96)
    assert figure.read_bytes()[:5] in (b"<?xml", b"%PDF-")


@pytest.mark.parametrize("rule", ["max", "40"])
def test_explain_draws_signed_and_by_channel(photo: Path, tmp_path: Path, rule: str) -> None:
    """The ranges in the figure are those of the channels and of evidence for and against."""
    figure, maps = tmp_path / "figure.svg", tmp_path / "maps.npz"
    options = ["--models", "residual", "--size", "96", "--signed", "--channel", rule]
    assert main(["explain", str(photo), "-o", str(figure), "--npz", str(maps), *options]) == 0
    said = [words.strip() for words in re.findall(r"<!--(.*?)-->", figure.read_text(), re.DOTALL)]
    assert "against \u2013 0 \u2013 for" in said
    assert any(words.startswith("masks of several channels: ") for words in said)
    ranges = [words for words in said if re.fullmatch(r"\S+ to [\d.e-]+", words)]
    stored = np.load(maps)
    stacks = [stored[f"residual/{stage}/attention-channels"] for stage in STAGES[:3]]
    shown = [s.max(0) if rule == "max" else s[40] for s in stacks if len(s) > 40 or rule == "max"]
    assert ranges[: len(shown)] == [f"{m.min():.2g} to {m.max():.2g}" for m in shown]
    reach = np.abs(stored["residual/early/gradcam"]).max()
    assert ranges[len(shown) + (rule == "max")] == f"{-reach:.2g} to {reach:.2g}"  # combined before


@pytest.mark.usefixtures("narrow")
def test_train_writes_a_model_that_explains(tmp_path: Path) -> None:
    data, out = toys.folder(tmp_path / "data", train=8, val=3), tmp_path / "runs"
    words = [
        *("train", "cbam", "--data", data, "--out", out, "--start", "scratch", "--epochs", 1),
        *("--batch-size", 8, "--size", 64, "--eval-size", 64, "--frozen-blocks", 0, "--seed", 3),
    ]
    assert main([str(word) for word in words]) == 0
    checkpoint = checkpoints.read(out / "cbam.safetensors")
    about = checkpoint.about
    assert about["classes"] == ["disc", "stripes"]
    assert about["weights_origin"] == "random"
    assert about["metrics"]["images"] == 6
    assert [c["epoch"] for c in about["curves"]] == [1]
    assert about["training"]["seed"] == about["training"]["recipe"]["seed"] == 3
    entry = catalogue.entries([], out)[0]
    seen = Sampled.of_photo(toys.picture(0, 1, 96))
    assert len(explain(catalogue.load(entry), seen, target="disc").tracks) == 8


def test_a_mistake_is_a_sentence_and_exit_code_two(tmp_path: Path) -> None:
    done = run("explain", tmp_path / "none.jpg")
    assert done.returncode == 2
    assert done.stderr.strip() == f"sightline: There is no file {tmp_path / 'none.jpg'}."
    assert done.stdout == ""


MISTAKES = {
    "format": (["-o", "figure.bmp"], "svg"),
    "no suffix": (["-o", "figure"], "svg"),
    "no folder": (["-o", "missing/figure.png"], "missing"),
    "no folder for maps": (["--npz", "missing/maps.npz"], "missing"),
    "small": (["--size", "95"], "96"),
    "large": (["--size", "513"], "512"),
    "model": (["--models", "resnet"], "cbam"),
    "method": (["--methods", "saliency"], "gradcam"),
    "class": (["--target", "dragon"], "dragon"),
    "class of none": (["--models", "plain-imagenet", "cbam", "--target", "dragon"], "dragon"),
    "index": (["--target", "10"], "10"),
    "negative index": (["--target=-1"], "-1"),
    "colormap": (["--colormap", "sunset"], "sunset"),
    "opacity": (["--alpha", "1.5"], "alpha"),
    "channel": (["--channel", "median"], "l2"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_of_explain(
    what: str,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options, word = MISTAKES[what]
    monkeypatch.chdir(tmp_path)
    cheap = [] if "--models" in options else ["--models", "cbam"]
    assert main(["explain", str(photo), *cheap, *options]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("sightline: ")
    assert word in said
    assert said.endswith((".", ")"))


def test_a_file_that_is_no_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.jpg").write_text("words, not pixels")
    assert main(["explain", str(tmp_path / "text.jpg")]) == 2
    assert "not a photo" in capsys.readouterr().err


TRAINING_MISTAKES = {
    "mechanism": (["magic"], "cbam"),
    "parameters": (["gated", "--parameters", '{"normalisation": "relu"}'], "softmax"),
    "stages": (["gated", "--stages", "middle"], "medium"),
    "epochs": (["plain", "--epochs", "0"], "epoch"),
    "batch": (["plain", "--batch-size", "1"], "batch"),
    "frozen": (["cbam", "--frozen-blocks", "12"], "frozen"),
    "device": (["plain", "--device", "toaster"], "auto"),
}


@pytest.mark.parametrize("what", TRAINING_MISTAKES)
def test_mistakes_of_train(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options, word = TRAINING_MISTAKES[what]
    data = toys.folder(tmp_path / "data", train=2, val=1)
    arguments = ["train", *options, "--data", str(data), "--out", str(tmp_path / "runs")]
    assert main([*arguments, "--start", "scratch"]) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_can_be_read_in_two_ways_gets_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = toys.folder(tmp_path, train=2, val=1)
    (data / "val" / "disc").rename(data / "val" / "Disc")
    assert main(["train", "plain", "--data", str(data), "--start", "scratch"]) == 2
    assert "upper and lower case" in capsys.readouterr().err


def test_json_that_is_not_json_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("{broken", "[1]"):
        with pytest.raises(SystemExit) as stopped:
            main(["train", "gated", "--parameters", text])
        assert stopped.value.code == 2
        assert "--parameters" in capsys.readouterr().err
