"""A run from files to checkpoint: what it tells, what it keeps, and how it ends when it cannot."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ml import checkpoint as checkpoints
from ml.calibration.record import Calibration
from ml.errors import MlError
from ml.explain.maps import explain_images
from ml.networks.types import STAGES
from ml.networks.weights import normalise
from ml.train import event_log, resume
from ml.train.event_log import EventLog
from ml.train.events import EpochEnd, Event, Finished, Loading, Ready, Saved, Step, Validating
from ml.train.run import MODEL
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.start import train
from ml.train.tasks.photos.data import load_folder
from tests.support import networks as nets
from tests.support import toy_images as toys
from tests.support.full_disk import room_for

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.folder(tmp_path_factory.mktemp("toys"), train=12, val=5, size=160)


def spec_of(data: Path, folder: Path, weights: Path) -> RunSpec:
    config = replace(toys.QUICK, mechanism="cbam")
    return toys.run_of(data, folder, config, probes=(1, 7), weights=(weights,))


@pytest.fixture
def spec(data: Path, narrow_weights: Path, tmp_path: Path) -> RunSpec:
    return spec_of(data, tmp_path, narrow_weights)


@pytest.fixture(scope="module")
def whole(
    data: Path, narrow_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunSpec, list[Event]]:
    """A run that nothing disturbs, and all that it tells."""
    spec = spec_of(data, tmp_path_factory.mktemp("whole"), narrow_weights)
    with nets.narrowed():
        return spec, list(train(spec))


def swapped(files: LabelledFiles) -> LabelledFiles:
    return LabelledFiles(files.files, tuple(1 - label for label in files.labels))


def of(kind: type, events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def test_it_tells_everything_in_order(whole: tuple[RunSpec, list[Event]]) -> None:
    spec, told = whole
    kinds = [type(e).__name__ for e in told if not isinstance(e, Loading | Validating)]
    epoch = ["Step"] * 3 + ["EpochEnd", "Saved"]
    assert kinds == ["Ready", *epoch, *epoch, "Finished"]
    assert [e.done for e in of(Loading, told)] == [1, 1]
    assert [(e.epoch, e.done) for e in of(Validating, told)] == [(1, 1), (2, 1), (2, 1)]
    (ready,) = of(Ready, told)
    assert (ready.steps, ready.steps_per_epoch, ready.first_step) == (6, 3, 0)
    assert (ready.batch_size, ready.device) == (8, "cpu")
    assert [e.step for e in of(Saved, told)] == [3, 6]
    for end in of(EpochEnd, told):
        assert end.predicted.dtype == np.uint16
        right = end.predicted == np.array(spec.val.labels)
        assert end.val_accuracy == right.mean()
        assert ((end.confidence >= 0.5) & (end.confidence <= 1)).all()


def test_the_log_holds_all_events(whole: tuple[RunSpec, list[Event]]) -> None:
    spec, events = whole
    with closing(EventLog(spec.folder)) as log:
        logged = list(log.read())
    assert [type(e) for e in logged] == [type(e) for e in events]
    assert of(Step, logged) == of(Step, events)
    for read, event in zip(of(EpochEnd, logged), of(EpochEnd, events), strict=True):
        for name in ("predicted", "confidence"):
            assert getattr(read, name).dtype == getattr(event, name).dtype
            np.testing.assert_array_equal(getattr(read, name), getattr(event, name))
        for maps, expected in zip(read.probes, event.probes, strict=True):
            np.testing.assert_array_equal(maps.values, expected.values)
    assert (logged[-1].path, logged[-1].about) == (events[-1].path, events[-1].about)


def test_an_event_that_is_cut_off_is_not_read(tmp_path: Path) -> None:
    with closing(EventLog(tmp_path)) as log:
        log.append(Saved(1))
        line = (tmp_path / event_log.NAME).read_bytes()
        with (tmp_path / event_log.NAME).open("ab", buffering=0) as file:
            file.write(line[:-5])
            assert list(log.read()) == [Saved(1)]
            file.write(line[-5:])
            assert list(log.read()) == [Saved(1)]


def test_the_probes_maps_are_those_of_explaining(whole: tuple[RunSpec, list[Event]]) -> None:
    spec, told = whole
    end, finished = of(EpochEnd, told)[-1], told[-1]
    assert {m.method for m in end.probes} == {"attention", "gradcam"}
    network = checkpoints.load_network(checkpoints.read(finished.path))
    val = load_folder(spec.val.files[0].parents[1], 160)
    images = torch.nn.functional.interpolate(
        val.images[list(spec.probes)].float(), size=64, mode="bilinear", align_corners=False
    )
    targets = [spec.val.labels[i] for i in spec.probes]
    expected = explain_images(network, normalise(images), targets)
    for maps in end.probes:
        assert tuple(maps.grids) == STAGES
        assert maps.values.dtype == np.float16
        flat = torch.cat([expected.maps[maps.method][s].flatten(1) for s in STAGES], 1)
        assert list(maps.grids.values()) == [(8, 8), (4, 4), (2, 2)]
        spread = flat.abs().max().item()
        apart = np.abs(maps.values.astype(np.float32) - flat.numpy()).max()
        assert apart < 0.1 * spread  # the checkpoint's weights are rounded to float16


def test_the_worst_mistakes_are_the_surest(spec: RunSpec) -> None:
    spec = replace(spec, val=swapped(spec.val), config=replace(spec.config, epochs=3))
    told = list(train(spec))
    finished = told[-1]
    assert isinstance(finished, Finished)
    wrong = finished.worst.indices
    assert len(wrong) == round(10 * (1 - finished.about["metrics"]["accuracy"])) > 0
    assert list(finished.worst.confidence) == sorted(finished.worst.confidence, reverse=True)
    temperature = finished.about["calibration"]["temperature"]
    assert temperature != pytest.approx(1, abs=0.05)
    [last] = [event for event in told if isinstance(event, EpochEnd) and event.epoch == 3]
    for index, sure in zip(wrong, finished.worst.confidence, strict=True):
        p = min(float(last.confidence[index]), 1 - 1e-4)  # two classes: one logit tells the other
        expected = 1 / (1 + ((1 - p) / p) ** (1 / temperature))
        assert sure == pytest.approx(expected, abs=0.02)
    for index, predicted in zip(wrong, finished.worst.predicted, strict=True):
        assert predicted != spec.val.labels[index]
    maps = {m.method: m.values for m in finished.worst.maps}
    assert all(len(values) == len(wrong) for values in maps.values())
    assert np.abs(maps["gradcam"] - maps["gradcam-true"]).max() > 0  # of two classes


def test_the_card_says_all(whole: tuple[RunSpec, list[Event]]) -> None:
    spec, told = whole
    finished = told[-1]
    assert isinstance(finished, Finished)
    checkpoint = checkpoints.read(spec.folder / MODEL)
    about = checkpoint.about
    assert about == finished.about
    assert about["classes"] == list(toys.CLASSES)
    assert [c["epoch"] for c in about["curves"]] == [1, 2]
    record = Calibration.of(about)
    assert record is not None
    assert (record.count, record.data, record.seed, record.domain) == (10, "toys", 0, None)
    assert record.temperature != 1
    assert 0.01 <= record.temperature <= 100
    training = about["training"]
    assert (training["data"], training["data_fingerprint"]) == ("toys", "toys-24-10")
    assert (training["train_images"], about["metrics"]["images"]) == (24, 10)
    assert training["seconds"] == pytest.approx(sum(c["seconds"] for c in about["curves"]), abs=0.1)
    assert training["recipe"]["batch_size"] == 8
    assert {"python", "torch", "torchvision"} <= set(training["versions"])


def test_closing_saves_and_the_next_try_goes_on(
    spec: RunSpec, whole: tuple[RunSpec, list[Event]]
) -> None:
    undisturbed = whole[1][-1]
    events = train(spec)
    for event in events:
        if isinstance(event, Step) and event.step == 2:
            break
    events.close()
    told = list(train(spec))
    assert of(Ready, told)[0].first_step == 2
    assert [e.step for e in of(Step, told)] == [3, 4, 5, 6]
    assert told[-1].about["checkpoint"] == undisturbed.about["checkpoint"]
    again = list(train(spec))  # a worker that died before it could say that the run has ended
    assert not of(Step, again)
    assert again[-1].about == told[-1].about


def test_early_stopping_keeps_the_best_epoch(spec: RunSpec) -> None:
    """Validation labels are swapped: the better it learns, the worse it gets."""
    config = replace(spec.config, mechanism="plain", epochs=9, lr=5e-3, early_stopping=2)
    config = replace(config, schedule="constant", label_smoothing=0.0)
    spec = replace(spec, val=swapped(spec.val), config=config)
    losses, copies = [], {}
    events = train(spec)
    for event in events:
        if isinstance(event, EpochEnd):
            losses.append(event.val_loss)
        if isinstance(event, Saved):
            copies[event.step // 3] = load_file(spec.folder / resume.NAME)
    assert isinstance(event, Finished)
    best = losses.index(min(losses)) + 1
    assert len(losses) == best + 2 < 9
    assert event.stopped_early
    assert event.about["training"]["stopped_early"]
    assert event.about["training"]["best_epoch"] == best
    rounded = event.about["metrics"]["loss"]  # of the float16 weights that are given away
    assert rounded == pytest.approx(losses[best - 1], rel=0.02)
    assert min(losses, key=lambda loss: abs(loss - rounded)) == losses[best - 1]
    kept = load_file(spec.folder / MODEL)
    for name, tensor in kept.items():
        assert torch.equal(tensor, copies[best][f"network.{name}"].to(tensor.dtype)), name
    again = list(train(spec))  # stays stopped, and knows its best weights
    assert again[-1].about == event.about


def test_a_run_that_runs_away_says_so_and_keeps_its_last_state(spec: RunSpec) -> None:
    wild = {"optimiser": "sgd", "lr": 10, "new_lr_factor": 1000, "momentum": 0.0, "warmup": 1.0}
    config = replace(spec.config, epochs=9, weight_decay=1.0, **wild)
    spec = replace(spec, save_seconds=0, config=config)
    with pytest.raises(MlError, match=r"not a number.*lower learning rate"):
        list(train(spec))
    kept = load_file(spec.folder / resume.NAME)
    assert [name for name, tensor in kept.items() if not tensor.isfinite().all()] == []


def test_a_full_disk_is_a_sentence_and_the_last_state_stays(
    spec: RunSpec, whole: tuple[RunSpec, list[Event]]
) -> None:
    undisturbed = whole[1][-1]
    events = train(replace(spec, save_seconds=0))
    for event in events:
        if isinstance(event, Saved) and event.step == 2:
            break
    before = (spec.folder / resume.NAME).read_bytes()
    with room_for(1_000_000), pytest.raises(MlError, match=r"disk is full.*resume"):
        list(events)
    assert (spec.folder / resume.NAME).read_bytes() == before
    assert {p.name for p in spec.folder.iterdir()} == {event_log.NAME, resume.NAME}
    told = list(train(spec))
    assert of(Ready, told)[0].first_step == 2
    assert told[-1].about["checkpoint"] == undisturbed.about["checkpoint"]


def test_a_disk_that_is_full_at_the_end_or_the_beginning(spec: RunSpec) -> None:
    with room_for(100_000), pytest.raises(MlError, match="disk is full"):
        list(train(spec))
    assert not list(spec.cache.iterdir())
    list(train(spec))
    model = spec.folder / MODEL
    before = model.read_bytes()
    with room_for(300_000), pytest.raises(MlError, match="disk is full"):
        list(train(spec))
    assert model.read_bytes() == before
    assert list(train(spec))[-1].path == model


def test_it_starts_from_another_run(spec: RunSpec, tmp_path: Path) -> None:
    start = tmp_path / "start" / "cbam.safetensors"
    about = {"mechanism": "cbam", "parameters": {}, "stages": list(STAGES), "classes": ["a"] * 10}
    checkpoints.save(nets.lively("cbam"), start, {**about, "backbone": nets.NARROW})
    config = replace(spec.config, start="checkpoint", lr=0.0)
    finished = list(train(replace(spec, config=config, start=start)))[-1]
    kept, given = load_file(finished.path), load_file(start)
    same = [n for n in kept if not n.endswith(("running_mean", "running_var")) and n in given]
    assert any(n.startswith("mechanism.blocks") for n in same)
    for name in same:
        if kept[name].shape == given[name].shape:
            assert torch.equal(kept[name], given[name]), name
    assert checkpoints.read(start).sha256[:16] in finished.about["weights_origin"]
    with pytest.raises(MlError, match="needs the checkpoint"):
        list(train(replace(spec, config=config, folder=spec.folder / "none")))


@pytest.mark.parametrize("change", ["no training", "no validation", "probe"])
def test_data_that_cannot_be_used_gets_a_sentence(spec: RunSpec, change: str) -> None:
    nothing = LabelledFiles((), ())
    spec = {
        "no training": replace(spec, train=nothing),
        "no validation": replace(spec, val=nothing),
        "probe": replace(spec, probes=(10,)),
    }[change]
    with pytest.raises(MlError, match=r"need images|0 to 9"):
        list(train(spec))
