"""Fights are judged on sources that no model has seen, and intervals draw whole sources."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ml.errors import MlError
from ml.study import fight
from ml.study.sources import figures, folds, source_of

SOURCES = [f"src{number:02}" for number in range(12) for _ in range(1 + number % 3)]


def test_no_source_is_in_two_folds() -> None:
    fold = folds(SOURCES, 5)
    assert all(len(set(fold[np.array(SOURCES) == name])) == 1 for name in set(SOURCES))
    sizes = np.bincount(fold)
    assert len(sizes) == 5
    assert sizes.max() - sizes.min() <= 3  # the largest source
    assert not np.array_equal(fold, folds(SOURCES, 5, seed=1))
    with pytest.raises(MlError, match="13 folds"):
        folds(SOURCES, 13)
    assert source_of(Path("fi005_src02.mp4")) == "src02"
    with pytest.raises(MlError, match="srcNN"):
        source_of(Path("fight.mp4"))


def test_an_interval_is_wider_where_clips_of_a_source_are_alike() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2 == 0
    right = rng.random(200) < 0.7
    scores = np.where(right == labels, 1.0, -1.0)
    alone = figures(scores, labels, [f"src{i}" for i in range(200)])
    assert alone["accuracy"][0] == pytest.approx(right.mean())
    assert alone["gain"][0] == pytest.approx(right.mean() - 0.5)
    assert alone["accuracy"][1] < right.mean() < alone["accuracy"][2]
    ordered = np.argsort(right, kind="stable")  # each source is all right or all wrong
    alike = figures(scores[ordered], labels[ordered], [f"src{i // 20}" for i in range(200)])
    wide, narrow = (f["accuracy"][2] - f["accuracy"][1] for f in (alike, alone))
    assert wide > 2 * narrow
    assert (
        figures(np.ones(200), labels, SOURCES[:1] * 100 + SOURCES[1:2] * 100)["balanced"][0] == 0.5
    )


@pytest.fixture
def study(tmp_path: Path) -> fight.Study:
    for number in range(20):
        folder = tmp_path / "data" / ("train", "val")[number // 10] / fight.CLASSES[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"c_src{number // 2:02}.mp4").write_bytes(bytes(number))
    return fight.Study.of(tmp_path / "data", tmp_path / "cache")


def test_the_weight_of_a_fold_is_chosen_on_the_others(study: fight.Study) -> None:
    knows = np.where(study.fights, 1.0, -1.0)
    noise = np.random.default_rng(0).normal(0, 9, 20)
    scores, weights = fight.fused(study, {"rgb": noise.tolist(), "flow": knows.tolist()})
    assert min(weights) >= 0.8
    misled = np.where(study.fold == 0, -9 * knows, knows)  # only fold 0 could tell
    _, again = fight.fused(study, {"rgb": noise.tolist(), "flow": misled.tolist()})
    assert again[0] == weights[0]
    assert ((scores > 0) == study.fights).mean() > 0.5


def test_what_is_in_the_file_is_not_done_again(study: fight.Study, tmp_path: Path) -> None:
    path = tmp_path / "fight.json"
    held: fight.Held = {"rgb": [0.5] * 20, "flow": [1.0, -1.0] * 10}
    facts = {"clips": [f"{p.parent.name}/{p.name}" for p in study.files.files]}
    entry = {"held_out": held, **fight.summary(study, held)}
    record = {**facts, "folds": study.fold.tolist(), "methods": {"linear": entry}}
    path.write_text(json.dumps(record))
    assert fight.run(study, ["linear"], path) == record  # the clips are not even readable
    assert fight.table(record).count("| linear |") == 3
    with pytest.raises(MlError, match="Known: linear"):
        fight.run(study, ["guess"], path)
    path.write_text(json.dumps({**record, "folds": [0] * 20}))
    with pytest.raises(MlError, match="other clips"):
        fight.run(study, ["linear"], path)


def test_the_published_figures_follow_from_the_scores() -> None:
    record = json.loads((Path(__file__).parents[2] / "docs" / "study" / "fight.json").read_text())
    sources = [source_of(Path(name)) for name in record["clips"]]
    fights = np.array([name.startswith("fight/") for name in record["clips"]])
    assert folds(sources, fight.FOLDS).tolist() == record["folds"]
    for method, found in record["methods"].items():
        for stream, scores in found["held_out"].items():
            assert figures(np.array(scores), fights, sources) == found[stream], method
