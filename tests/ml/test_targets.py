"""A class is explained by any name: `top`, numbers, names in several cases; or it is not known."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ml.__main__ import main
from ml.catalogue import load
from ml.explain.explain import explain
from ml.explain.results import LoadedModel
from ml.explain.targets import Named, find_class, known_target, lacking, resolve_target
from ml.media.photo import fitted, load_rgb
from ml.networks.video.types import Sampled
from tests.support import clip_models as clips
from tests.support import named_classes as named
from tests.support import video_networks as videos


@pytest.mark.parametrize(
    ("target", "index"),
    [
        ("top", None), (Named("top"), 4), (Named("TOP"), 4), ("TOP", 4),
        ("2", 3), (Named("2"), 3), (2, 2), (Named("10"), 2),
    ],
)  # fmt: skip
def test_what_a_target_names(target: int | str | Named, index: int | None) -> None:
    assert resolve_target(target, named.CLASSES, "own") == index


def test_case_matters_only_between_classes_that_differ_in_it() -> None:
    classes = ("cat", "Cat", "dog")
    assert [find_class(name, classes) for name in ("cat", "Cat", "DOG", "CAT")] == [0, 1, 2, 0]
    assert find_class("emu", classes) is None
    assert known_target("emu", classes) is None
    assert known_target("top", classes) == "top"
    assert [lacking(one) for one in ("no_fight", Named("top"), 7)] == [
        "does not know no fight", "does not know top", "has no class 7",
    ]  # fmt: skip


def test_without_the_class_there_are_masks_and_no_evidence() -> None:
    model = LoadedModel("own", videos.build("two_stream", "gated"), videos.CLASSES)
    result = explain(model, videos.sampled(), target=None)
    assert {track.method for track in result.tracks} == {"attention"}
    assert result.target_index is None
    assert result.clip is not None
    assert (result.clip.shares, result.clip.rest) == ({}, 0.0)
    np.testing.assert_array_equal(result.logits, explain(model, videos.sampled()).logits)


class Line:
    """The command line with two models of one's own: one knows `CLASSES`, one church and tench."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.photo = folder, named.photo(folder)
        self.own = named.of_photos(folder, "own")
        self.other = named.of_photos(folder, "other", ("church", "tench"))

    def explain(self, *words: str, both: bool = False) -> int:
        models = [str(self.own.path), *([str(self.other.path)] if both else [])]
        files = ["-o", str(self.folder / "a.svg"), "--npz", str(self.folder / "a.npz")]
        return main(
            ["explain", str(self.photo), *files, "--size", "96", "--models", *models, *words]
        )

    @property
    def maps(self) -> dict[str, np.ndarray]:
        return dict(np.load(self.folder / "a.npz"))

    @property
    def words(self) -> list[str]:
        text = (self.folder / "a.svg").read_text()
        return [" ".join(w.split()) for w in re.findall(r"<!--(.*?)-->", text, re.DOTALL)]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    return Line(tmp_path_factory.mktemp("line"))


def test_every_class_can_be_named_on_the_command_line(line: Line) -> None:
    """Of a checkpoint that was just trained, under the name of its file."""
    seen = Sampled.of_photo(fitted(load_rgb(line.photo), 96, "shape"))
    model = load(line.own)
    expected = {}
    for index, name in enumerate(named.CLASSES):
        tracks = explain(model, seen, target=index).tracks
        expected[name] = next(
            t.values[0] for t in tracks if (t.stage, t.method) == ("late", "gradcam")
        )
        for words in (["--target-class", name], ["--target-index", str(index)]):
            assert line.explain(*words) == 0
            found = line.maps["own/late/gradcam"]
            np.testing.assert_allclose(found, expected[name], atol=1e-6, rtol=1e-3)
            assert f"for {name}" in line.words
    top = explain(model, seen)
    for words in ([], ["--target", "top"]):
        assert line.explain(*words) == 0
        assert f"for {named.CLASSES[top.target_index or 0]}" in line.words
    assert line.explain("--target", "0") == 0  # both its index and its name
    assert "for 0" in line.words
    assert line.explain("--target", "4") == 0  # the index of another, the name of none
    assert "for top" in line.words


def test_a_number_that_may_be_two_classes_is_asked_back(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line.explain("--target", "2") == 2
    said = capsys.readouterr().err
    assert "write --target-index 2 or --target-class 2." in said
    with pytest.raises(SystemExit):
        line.explain("--target", "top", "--target-class", "top")
    for words in (["--target-class", "3"], ["--target-index", "5"], ["--target-index=-1"]):
        assert line.explain(*words) == 2
        assert "own has no class" in capsys.readouterr().err


def test_a_row_that_does_not_know_the_class_says_so(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line.explain("--target-class", "top", both=True) == 0
    assert re.search(r"other +\S.*; does not know top\n", capsys.readouterr().out)
    kinds = {name.split("/")[2] for name in line.maps if name.startswith("other/")}
    assert kinds == {"attention"}
    assert line.words.count("does not know top") == 4  # each cell of the row
    assert line.explain("--target-index", "3", both=True) == 0
    assert line.words.count("has no class 3") == 4


def test_two_models_of_one_name_are_told_apart(
    line: Line, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named.of_photos(tmp_path, "own")
    twin = str(tmp_path / "own.safetensors")
    assert line.explain("--models", str(line.own.path), twin) == 2
    assert "Two of the models are called own" in capsys.readouterr().err
    assert line.explain("--models", str(tmp_path / "none.safetensors")) == 2
    assert "There is no file" in capsys.readouterr().err


def test_a_clips_class_is_named_the_same_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, sheet = tmp_path / "a.mp4", tmp_path / "a.svg"
    clip.write_bytes(clips.film())
    models = [
        named.of_clips(tmp_path, "moves"),
        clips.checkpoint(tmp_path, "boxes", "gated", "two_stream"),
    ]
    words = ["explain", str(clip), "-o", str(sheet), "--size", "96", "--segments", "2", "--models"]
    assert main([*words, *(str(one.path) for one in models), "--target-class", "top"]) == 0
    said = capsys.readouterr().out
    assert "logit of top: " in said
    assert re.search(r"boxes +\S.*; does not know top\n", said)
    drawn = [" ".join(w.split()) for w in re.findall(r"<!--(.*?)-->", sheet.read_text(), re.DOTALL)]
    assert drawn.count("does not know top") == 2
    assert main([*words, "cbam", str(models[0].path)]) == 2  # a model of photos
