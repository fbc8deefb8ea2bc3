"""`python -m ml study`: what is left to do, stopping and going on, and the choice of the rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from ml.__main__ import main
from ml.errors import MlError
from ml.study import spec as studies
from ml.study import trials
from ml.study.runner import Studying
from ml.train.events import EpochEnd, Step
from ml.train.spec import LabelledFiles
from ml.train.tasks.photos.data import list_folder, load_folder
from tests.support import toy_images as toys

SYNSETS = ("n01440764", "n02102040")
RECIPE = {"epochs": 2, "batch_size": 8, "size": 64, "eval_size": 64, "frozen_blocks": 2}
STUDY: dict[str, Any] = {
    "data": "toys",
    "boxed": "boxed",
    "rows": {"plain": {}, "sure": {"mechanism": "cbam", "parameters": {"dropout": 0.0}}},
    "arms": {
        "ordinary": {"settings": {}, "seeds": [0, 1]},
        "placed": {"settings": {"placed": 0.5}, "seeds": [0]},
    },
    "recipe": RECIPE,
    "trials": {
        "rates": [1e-3, 2e-3],
        "train_images": 8,
        "val_images": 4,
        "settings": {"epochs": 1},
    },
}
pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve training and four validation images of two classes, and two with boxes."""
    root = tmp_path_factory.mktemp("data")
    for split, count, first in (("toys/train", 6, 0), ("toys/val", 4, 100), ("boxed", 1, 200)):
        for label, name in enumerate(SYNSETS):
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                picture = Image.fromarray(toys.picture(label, first + i, 64))
                picture.save(root / split / name / f"{i}.png")
    lines = [f"{name}/0.png,0.2,0.2,0.8,0.8" for name in SYNSETS]
    (root / "boxed" / "boxes.csv").write_text("\n".join(["file,x0,y0,x1,y1", *lines]))
    return root


def study(folder: Path, **changes: Any) -> Path:
    path = folder / "study.json"
    path.write_text(json.dumps({**STUDY, **changes}))
    return path


def studying(file: Path, data: Path, weights: Path) -> Studying:
    home = file.parent
    return Studying(
        studies.read(file), data, home / "study", home / "work", "cpu", (weights,), "toys"
    )


def test_a_study_goes_on_where_it_was_stopped(
    tmp_path: Path, data: Path, narrow_weights: Path
) -> None:
    """Trials come before runs; a run that is stopped ends as one that was not."""
    file = study(tmp_path, rows={"plain": {}})
    work = studying(file, data, narrow_weights)
    assert [p.name for p in work.parts()] == ["trial plain-0.001", "trial plain-0.002"]
    for part in work.parts():
        list(part.work())
    names = ["untrained plain", "plain-ordinary-0", "plain-placed-0", "plain-ordinary-1"]
    assert [p.name for p in work.parts()] == names
    list(work.parts()[0].work())

    events = work.parts()[0].work()
    next(e for e in events if isinstance(e, EpochEnd))
    next(e for e in events if isinstance(e, Step))
    events.close()
    again = studying(file, data, narrow_weights)
    rest = list(again.parts()[0].work())
    assert [e.epoch for e in rest if isinstance(e, EpochEnd)] == [2]
    stopped = json.loads((tmp_path / "study/runs/plain-ordinary-0.json").read_text())
    assert [p.name for p in again.parts()] == names[2:]

    (tmp_path / "study/runs/plain-ordinary-0.json").unlink()
    (tmp_path / "work/models/plain-ordinary-0.safetensors").unlink()
    list(again.parts()[0].work())
    whole = json.loads((tmp_path / "study/runs/plain-ordinary-0.json").read_text())
    for record in (stopped, whole):
        for epoch in record["card"]["curves"]:
            epoch.pop("seconds")
        record["card"]["training"].pop("seconds")
    assert stopped == whole
    assert whole["measures"]["scenes"]["ordinary"]["answers"]["count"] == 8
    assert whole["settings"]["lr"] == again.rate
    tables = again.tables()
    assert tables is not None
    assert tables["arms"]["ordinary"]["plain"]["seeds"] == [0]


def test_a_record_of_another_recipe_is_not_taken_for_this_one(
    tmp_path: Path, data: Path, narrow_weights: Path
) -> None:
    file = study(tmp_path, rows={"plain": {}}, trials=None)
    work = studying(file, data, narrow_weights)
    (tmp_path / "study/runs").mkdir(parents=True)
    old = {"settings": {**STUDY["recipe"], "epochs": 9}}
    (tmp_path / "study/runs/plain-ordinary-0.json").write_text(json.dumps(old))
    with pytest.raises(MlError, match="runs/plain-ordinary-0 was trained with other settings"):
        work.parts()


def test_a_trial_of_another_recipe_chooses_no_rate(
    tmp_path: Path, data: Path, narrow_weights: Path
) -> None:
    work = studying(study(tmp_path, rows={"plain": {}}), data, narrow_weights)
    list(work.parts()[0].work())
    changed = study(tmp_path, rows={"plain": {}}, recipe={**RECIPE, "size": 96})
    with pytest.raises(MlError, match=r"trials/plain-0\.001 was trained with other settings"):
        studying(changed, data, narrow_weights).parts()


def test_two_processes_share_a_study(tmp_path: Path, data: Path, narrow_weights: Path) -> None:
    """Each part is done by one of them, and the last one of a kind waits for the other's."""
    file = study(tmp_path, rows={"plain": {}})
    one, other = (studying(file, data, narrow_weights) for _ in range(2))
    with one.next_part() as first, other.next_part() as second:
        assert first
        assert second
        assert {first.name, second.name} == {"trial plain-0.001", "trial plain-0.002"}
        with other.next_part() as third:
            assert third is None
        list(first.work())
    with other.next_part() as again:
        assert again
        assert again.name == second.name
    with other.next_part(["plain-placed-0"]) as early:
        assert early is None


def test_curves_may_be_of_fewer_images_than_measures(
    tmp_path: Path, data: Path, narrow_weights: Path
) -> None:
    file = study(tmp_path, rows={"plain": {}}, trials=None, curve_images=4)
    work = studying(file, data, narrow_weights)
    with work.next_part(["plain-ordinary-0"]) as part:
        assert part
        list(part.work())
    record = json.loads((tmp_path / "study/runs/plain-ordinary-0.json").read_text())
    assert record["card"]["metrics"]["images"] == 4
    assert record["measures"]["scenes"]["ordinary"]["answers"]["count"] == 8


def test_the_rate_is_the_one_with_the_least_mean_loss_over_the_rows() -> None:
    losses = {("a", 1.0): 0.1, ("b", 1.0): 0.9, ("a", 2.0): 0.3, ("b", 2.0): 0.4}
    records = [{"row": r, "rate": rate, "loss": x} for (r, rate), x in losses.items()]
    assert trials.best_rate(records, (1.0, 2.0)) == 2.0


def test_trials_see_training_images_only_and_judge_by_others(data: Path) -> None:
    known = trials.Trials((1.0,), 6, 4, {})
    files, _ = list_folder(data / "toys" / "train")
    train, val = trials.split(known, files)
    assert isinstance(train, LabelledFiles)
    assert (len(train.files), len(val.files)) == (6, 4)
    assert not set(train.files) & set(val.files)
    assert set(train.labels) == set(val.labels) == {0, 1}


def test_every_second_judge_is_placed(data: Path) -> None:
    images = load_folder(data / "toys" / "val", 64)
    placed = trials.half_placed(images)
    same = (placed.images == images.images).flatten(1).all(1)
    assert same.tolist() == [True, False] * 4
    assert placed.identity() != images.identity()
    assert torch.equal(placed.images, trials.half_placed(images).images)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": {"plain": {}, "star": {"mechanism": "star"}}}, "called 'star'"),
        ({"recipe": {**RECIPE, "epoch": 3}}, "Unknown setting 'epoch'"),
        ({"seeds": [1]}, "does not describe a study"),
        ({"arms": {"ordinary": {"settings": {}}}}, "does not describe a study"),
        ({"recipe": {"architecture": "two_stream"}}, "models of photos"),
    ],
)
def test_a_wrong_study_is_refused_before_anything_is_trained(
    tmp_path: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    sentence: str,
) -> None:
    file = study(tmp_path, **change)
    assert main(["study", str(file), "--data", str(data), "--device", "cpu"]) == 2
    assert sentence in capsys.readouterr().err


def test_the_command_lists_what_is_left(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["study", str(study(tmp_path)), "--data", str(data), "--device", "cpu", "--list"]
    assert main(arguments) == 0
    listed = capsys.readouterr().out.split("\n")
    assert listed[:2] == ["trial plain-0.001", "trial plain-0.002"]
    assert "trial sure-0.002" in listed
