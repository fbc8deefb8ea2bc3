"""Clips train through the same loop as photos: resumable, each stream its own, read once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml import checkpoint as checkpoints
from ml.__main__ import main
from ml.errors import MlError
from ml.networks.video.base import build_video
from ml.networks.video.types import ClipAttended, StreamOutput
from ml.train import resume
from ml.train.config import TrainConfig
from ml.train.configure import configure, restored
from ml.train.events import EpochEnd, Finished, Loading, Ready, Step
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.start import train
from ml.train.tasks.clips.augment import centred, segments, views
from ml.train.tasks.clips.camera_motion import MOVEMENTS
from ml.train.tasks.clips.config import CAMERA_MOTION, ClipConfig
from ml.train.tasks.clips.data import list_clips, load, thinned
from ml.train.tasks.clips.evaluate import MaskStatistics, mcnemar, same, wilson
from ml.train.tasks.clips.reading import ClipSource, MotionSource, SnippetSpec
from ml.train.tasks.clips.trainer import ClipTrainer
from tests.support import camera_clips as clips
from tests.support import toy_images as toys
from tests.support.camera_clips import QUICK, WAYS

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.folder(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> clips.Clips:
    return clips.kept(tmp_path_factory.mktemp("kept"))


def spec(data: Path, out: Path, config: ClipConfig = QUICK) -> RunSpec:
    (files, classes), (val, _) = list_clips(data / "train"), list_clips(data / "val")
    return RunSpec(config, classes, files, val, out, out / "cache", "toys", "f", devices=2)


def test_a_run_tells_of_its_clips_and_ends_in_a_checkpoint(data: Path, tmp_path: Path) -> None:
    events = list(train(spec(data, tmp_path)))
    kinds = [type(e) for e in events]
    assert kinds.index(Ready) == max(i for i, k in enumerate(kinds) if k is Loading) + 1
    loading = [e for e in events if isinstance(e, Loading)]
    assert {e.what for e in loading} == {
        "Reading the training clips and their flow",
        "Reading the validation clips and their flow",
    }
    assert [e.done for e in loading[:6]] == pytest.approx([i / 6 for i in range(1, 7)])
    assert [e.step for e in events if isinstance(e, Step)] == [1, 2]
    for end in (e for e in events if isinstance(e, EpochEnd)):
        assert set(end.streams) == {"rgb", "flow"}
    finished = events[-1]
    assert isinstance(finished, Finished)
    about = checkpoints.read(finished.path).about
    assert about["classes"] == list(WAYS)
    assert about["metrics"]["clips"] == 2
    assert about["metrics"]["segments"] == 2
    assert about["calibration"]["count"] == 2
    assert about["calibration"]["domain"] is None
    assert set(about["metrics"]["streams"]) == {"rgb", "flow"}
    assert about["training"]["train_clips"] == 6
    assert about["training"]["recipe"]["segments"] == 2
    assert [set(c) >= {"val_rgb", "val_flow", "val_accuracy"} for c in about["curves"]] == [
        True
    ] * 2
    network = checkpoints.load_video(checkpoints.read(finished.path))
    assert network.spec.flow_length == 2
    again = list(train(spec(data, tmp_path)))  # what was read is kept
    assert not [e for e in again if isinstance(e, Loading)]


@pytest.mark.parametrize(("mechanism", "stop_after"), [("gated", 1), ("cbam", 7)])
def test_a_resumed_run_is_bit_for_bit_the_same(
    noise: clips.Clips, tmp_path: Path, mechanism: str, stop_after: int
) -> None:
    config = replace(QUICK, mechanism=mechanism, batch_size=6)
    whole = ClipTrainer(config, noise, noise)
    told = list(whole.run())
    first = ClipTrainer(config, noise, noise)
    run, kept = first.run(), tmp_path / "state"
    before = [next(run) for _ in range(stop_after)]
    run.close()
    resume.save(first, kept, [])
    second = ClipTrainer(config, noise, noise)
    resume.load(second, kept)
    after = list(second.run())
    assert [e.step for e in (*before, *after) if isinstance(e, Step)] == [1, 2, 3, 4]
    weights = whole.network.state_dict()
    for name, tensor in second.network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    one, other = (
        [(e.train_loss, e.val_loss, e.streams) for e in events if isinstance(e, EpochEnd)]
        for events in (told, (*before, *after))
    )
    assert one == other


def test_each_stream_learns_only_from_its_own_scores(noise: clips.Clips) -> None:
    trainer = ClipTrainer(QUICK, noise, noise)
    trainer.set_train_mode()
    inputs, labels = next(iter(trainer.batches(0, 0)))
    torch.manual_seed(0)
    attended = trainer.forward(inputs)
    own = [
        torch.nn.functional.cross_entropy(output.scores, labels, label_smoothing=0.1)
        for output in attended.streams.values()
    ]
    assert trainer.loss(attended, labels).item() == pytest.approx(sum(own).item(), rel=1e-5)
    learnt = ClipTrainer(replace(QUICK, fusion="learnt"), noise, noise)
    learnt.step(inputs, labels, 0)
    assert all(p.grad is not None for p in learnt.network.fusion.parameters())


def test_what_is_frozen_stays(noise: clips.Clips) -> None:
    torch.manual_seed(3)
    config = replace(QUICK, start="imagenet", frozen_blocks=6)
    trainer = ClipTrainer(config, noise, noise)
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    list(trainer.run())
    changed = {k for k, v in trainer.network.state_dict().items() if not torch.equal(v, before[k])}
    assert not [k for k in changed if k.startswith("rgb.features.") and int(k.split(".")[2]) < 6]
    assert {"flow.features.0.0.weight", "rgb.features.18.0.weight"} <= changed
    both = ClipTrainer(replace(config, flow_frozen_blocks=6), noise, noise)
    before = {k: v.clone() for k, v in both.network.flow.features[:6].state_dict().items()}
    next(both.run())
    for name, tensor in both.network.flow.features[:6].state_dict().items():
        assert torch.equal(tensor, before[name]), name
    norms = {k for k in changed if "running_" in k and k.startswith("flow.features")}
    assert norms == {f"flow.features.0.1.running_{s}" for s in ("mean", "var")}


@pytest.mark.parametrize("architecture", ["frame_average", "r3d_18"])
def test_other_architectures_take_a_step(noise: clips.Clips, architecture: str) -> None:
    config = replace(QUICK, architecture=architecture, segments=4, test_segments=4, batch_size=2)
    trainer = ClipTrainer(config, noise, noise)
    trainer.set_train_mode()
    inputs, labels = next(iter(trainer.batches(0, 0)))
    loss, _ = trainer.step(inputs, labels, 0)
    assert np.isfinite(loss)


def test_clips_are_read_once_and_reading_goes_on_where_it_stopped(
    data: Path, tmp_path: Path
) -> None:
    files, classes = list_clips(data / "train")
    source = ClipSource(files.files, files.labels, SnippetSpec(3, 64, 2, "dis"))
    work = load(source, classes, tmp_path)
    next(work)
    work.close()
    first = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert 1 <= len(first) <= 6
    assert not [p for p in first if p.suffix != ".npy"]
    found = toys.drained(load(source, classes, tmp_path))
    assert {p: p.stat().st_mtime_ns for p in first} == first
    rgb, flow = found.read(5, [0, 2])
    assert rgb.shape == (2, 3, 64, 64)
    assert flow.shape == (2, 2, 2, 64, 64)
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    moved = [float(found.read(i, [1])[1][:, :, 0].float().mean()) - 128 for i in (0, 5)]
    assert moved[0] > 1 > -1 > moved[1]  # the camera pans left, so the picture moves right
    found.arrays[5].unlink()
    with pytest.raises(MlError, match="Resume the run"):
        found.read(5, [0])


def test_a_broken_clip_is_named(data: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes((data / "train" / WAYS[0] / "0.mp4").read_bytes()[:700])
    source = ClipSource((broken,), (0,), SnippetSpec(3, 64, 2, "dis"))
    with pytest.raises(MlError, match=r"broken\.mp4 cannot be read"):
        toys.drained(load(source, WAYS, tmp_path))


def test_a_folder_without_clips_is_said(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(MlError, match="No clips in"):
        list_clips(tmp_path)


def test_camera_movements_have_nothing_to_do_with_the_images(tmp_path: Path) -> None:
    root = toys.folder(tmp_path, train=18, val=1, size=80)
    files = tuple(sorted((root / "train").glob("*/*.png")))
    looks = tuple(i // 18 for i in range(36))
    source = MotionSource(files, looks, SnippetSpec(1, 48, 2, "dis"), seed=0)
    assert Counter(source.movements()) == dict.fromkeys(range(9), 4)
    assert [label // 9 for label in source.labels] == list(looks)
    per_look = Counter(zip(looks, source.movements(), strict=True))
    assert len(per_look) > 9  # not one movement for one look
    found = toys.drained(load(source, ("x",) * 18, tmp_path / "cache"))
    still = source.movements().index(MOVEMENTS.index("still"))
    pan = source.movements().index(MOVEMENTS.index("pan left"))
    assert (found.read(still, [0])[1] == 128).all()
    assert found.read(pan, [0])[1][:, :, 0].float().mean() > 130
    by_hand = replace(source, handheld=1.0)
    assert by_hand.facts(still) != source.facts(still)  # a cache keeps both
    assert by_hand.snippets(still)[0, 3:].std() > 0  # it shakes
    assert np.array_equal(replace(source, handheld=1e-9).snippets(pan), source.snippets(pan))


def test_snippets_are_of_their_segments_and_functions_of_the_seed() -> None:
    seen = [segments(3, 12, torch.Generator().manual_seed(seed)) for seed in (*range(200), 7)]
    assert seen[7] == seen[-1]
    for low, column in zip((0, 4, 8), zip(*seen, strict=True), strict=True):
        assert set(column) == set(range(low, low + 4))
    assert centred(3, 12) == [2, 6, 10]
    assert centred(8, 8) == list(range(8))


def test_a_clips_snippets_are_cropped_alike_and_mirrored_flow_turns_round() -> None:
    ramp = torch.arange(64, dtype=torch.uint8).repeat(64, 1)
    rgb = ramp.expand(2, 3, 64, 64).contiguous()
    flow = torch.full((2, 4, 2, 64, 64), 128, dtype=torch.uint8)
    flow[:, :, 0] += 30
    flow[:, :, 1] += 10
    mirrored = set()
    for seed in range(20):
        frames, fields = views(rgb, flow, 32, 1.0, torch.Generator().manual_seed(seed))
        assert frames.shape == (2, 3, 32, 32)
        assert torch.equal(frames[0], frames[1])
        falling = bool((frames[0, 0, 0].float().diff() <= 0).all())
        assert (fields[:, :, 0] == (98 if falling else 158)).all()
        assert (fields[:, :, 1] == 138).all()
        mirrored.add(falling)
    assert mirrored == {True, False}
    frames, fields = views(rgb, flow, 64, 0.0, torch.Generator().manual_seed(1))
    assert torch.equal(frames, rgb)
    assert torch.equal(fields, flow)


def test_shares_have_intervals_and_differences_a_p() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(51, 64) == pytest.approx((0.6828, 0.8771), abs=2e-3)
    one = torch.tensor([True] * 9 + [False] + [True] * 20)
    other = torch.tensor([False] * 9 + [True] + [True] * 20)
    assert mcnemar(one, other) == pytest.approx(0.0215, abs=1e-4)
    assert mcnemar(one, one) == 1.0


def test_a_stream_is_measured_in_what_it_knows() -> None:
    config = replace(QUICK, source=CAMERA_MOTION)
    names = config.names(("church", "tench"))
    network = build_video(config.video(names))
    predicted = torch.tensor([names.index("church, zoom in"), names.index("tench, still")])
    labels = torch.tensor([names.index("church, pan up"), names.index("church, still")])
    assert same(network, "rgb", predicted, labels).tolist() == [True, False]
    assert same(network, "flow", predicted, labels).tolist() == [False, True]


def test_flat_and_frozen_masks_show() -> None:
    flat, sharp = torch.ones(2, 3, 1, 4, 4), torch.zeros(2, 3, 1, 4, 4)
    for i, mask in enumerate(sharp.flatten(0, 1)):
        mask[0, i % 4, i // 4] = 1
    masks = MaskStatistics()
    logits, weights = torch.zeros(2, 3, 2), torch.full((2, 3), 1 / 3)
    output = StreamOutput(logits, weights, {"early": flat, "late": sharp})
    masks.add(ClipAttended(logits[:, 0], {"rgb": output}, {"rgb": 1.0}))
    facts = masks.summary()["rgb"]
    assert facts["early"] == {"entropy": 1.0, "contrast": 0.0, "varies": 0.0}
    assert facts["late"]["entropy"] < 0.01
    assert facts["late"]["contrast"] > 3
    assert facts["late"]["varies"] > 1


def test_settings_say_which_kind_they_are_of() -> None:
    config = configure("gated", {"architecture": "two_stream", "segments": 5})
    assert isinstance(config, ClipConfig)
    assert restored(json.loads(json.dumps(asdict(config)))) == config
    photo = configure("gated", {"architecture": "image", "epochs": 3})
    assert type(photo) is TrainConfig
    with pytest.raises(MlError, match="Unknown setting 'segments'"):
        configure("gated", {"segments": 5})
    with pytest.raises(MlError, match="snippets must be at least"):
        configure("gated", {"architecture": "two_stream", "segments": 13})
    files = LabelledFiles(tuple(Path(str(i)) for i in range(10)), tuple(range(10)))
    assert thinned(files, 3).labels == (0, 4, 9)
    assert thinned(files, 0) is files


def test_the_command_trains_on_a_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "--start scratch --frozen-blocks 0 --epochs 1 --batch-size 4 --size 64 --eval-size 64"
    more = "--segments 1 --test-segments 1 --snippets 1 --flow-length 2"
    out = ["--data", str(data), "--out", str(tmp_path)]
    assert main(["train-clips", "toy-gated-grid", *out, *words.split(), *more.split()]) == 0
    assert "toy-gated-grid.safetensors" in capsys.readouterr().out
    about = checkpoints.read(tmp_path / "toy-gated-grid.safetensors").about
    assert about["mechanism"] == "gated-grid"
    assert set(about["metrics"]["masks"]["flow"]) == {"early", "medium", "late"}
    assert main(["train-clips", "toy-nothing", *out]) == 2
    assert "names no mechanism" in capsys.readouterr().err
