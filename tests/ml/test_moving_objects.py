"""A thing moves as it is said to over a ground that moves by itself, and nothing else tells how."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ml import checkpoint as checkpoints
from ml.errors import MlError
from ml.media import flow
from ml.train import estimate as estimates
from ml.train.events import EpochEnd, Finished, Loading, Step
from ml.train.start import train
from ml.train.tasks.clips import moving_objects as moving
from ml.train.tasks.clips.camera_motion import Movement
from ml.train.tasks.clips.config import MOVING_OBJECTS
from ml.train.tasks.clips.moving_objects import MOVEMENTS, MovingClip, moving_clip
from ml.train.tasks.clips.moving_source import DrawnClips, MovingSource
from ml.train.tasks.clips.prepare import cache_bytes, sample
from ml.train.tasks.clips.reading import SnippetSpec
from tests.support import toy_images as toys
from tests.support.camera_clips import QUICK, texture

SIZE = 96
EVERY = pytest.mark.parametrize("name", MOVEMENTS)
FULL = {"pan": moving.MOVE, "zoom": moving.GROW, "rotate": moving.TURN}


def clip(name: str | Movement, seed: int, size: int = SIZE, frames: int = 11) -> MovingClip:
    """A smooth thing on a ground of tiles, often beside a second one."""
    rng = np.random.default_rng(seed)
    ground = moving.ground_of_tiles(texture(3), rng, size)
    thing, second = smooth(seed % 7), smooth(8)
    return moving_clip(thing, name, ground, rng, second=second, frames=frames, size=size)


def smooth(seed: int) -> np.ndarray:
    """A picture with something to hold on to when it is small, too."""
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 9, 3), np.uint8)
    return cv2.resize(coarse, (160, 160), interpolation=cv2.INTER_CUBIC)


def measured(found: MovingClip) -> np.ndarray:
    """The flow in px, [F - 1, 2, S, S]."""
    return flow.dequantise(flow.stack(found.frames))


def own_motion(found: MovingClip, fields: np.ndarray) -> np.ndarray:
    """How the thing moves, px a frame: right, down, larger, turning right, the last two at rms.

    The measured flow in the thing's box less what the camera makes of the ground there.
    """
    size = found.frames.shape[1]
    at = np.stack([*np.mgrid[0:size, 0:size][::-1] - (size - 1) / 2, np.ones((size, size))])
    moved = np.linalg.inv(found.ground[1:]) @ found.ground[:-1] - np.eye(3)
    own = fields.mean(0) - np.tensordot(moved.mean(0), at, 1)[:2]
    left, top, right, bottom = (found.boxes[found.middle] * size).round().astype(int)
    own = own[:, top:bottom, left:right]
    y, x = np.mgrid[0 : bottom - top, 0 : right - left]
    x, y = x - x.mean(), y - y.mean()
    rms = np.sqrt((x**2 + y**2).mean())
    grows, turns = own[0] * x + own[1] * y, own[1] * x - own[0] * y
    return np.array([own[0].mean(), own[1].mean(), grows.mean() / rms, turns.mean() / rms])


@EVERY
def test_the_thing_moves_as_said_whatever_the_camera_does(name: str) -> None:
    camera = moving.CAMERAS[name]
    found = clip(Movement(camera, FULL.get(camera.split()[0], 0.0)), seed=4, size=224)
    own = own_motion(found, measured(found))
    seen = dict(zip(("right", "down", "larger", "turning right"), own, strict=True))
    opposite = {"left": "right", "up": "down", "smaller": "larger", "turning left": "turning right"}
    if name != "still":
        assert seen.pop(opposite.get(name, name)) * (-1 if name in opposite else 1) > 0.4
    assert max(map(abs, seen.values())) < 0.15, seen


def test_the_middle_frame_and_the_ground_are_the_same_whatever_the_movement() -> None:
    for seed in range(3):
        still, *others = (clip(name, seed, size=64) for name in MOVEMENTS)
        for name, found in zip(MOVEMENTS[1:], others, strict=True):
            assert np.array_equal(found.frames[5], still.frames[5]), name
            assert not np.array_equal(found.frames[0], still.frames[0]), name
            assert np.array_equal(found.ground, still.ground), name
            assert np.array_equal(found.boxes[5], still.boxes[5]), name


def test_the_frames_mean_motion_does_not_tell_the_movement() -> None:
    count = 180
    clips = [clip(MOVEMENTS[i % 9], i, size=64, frames=5) for i in range(count)]
    fields = [measured(c) for c in clips]
    whole = np.stack([f.mean((0, 2, 3)) for f in fields])
    labels = np.arange(count) % 9
    chance, error = 1 / 9, (1 / 9 * 8 / 9 / count) ** 0.5
    assert linear(whole, labels) < chance + 3 * error
    assert (
        linear(np.stack([own_motion(*pair) for pair in zip(clips, fields, strict=True)]), labels)
        > 0.5
    )


def linear(features: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of linear discriminants on every third clip of each movement, three times."""
    right = 0
    for held in (np.arange(len(labels)) // 9 % 3 == i for i in range(3)):
        x, y = features[~held], labels[~held]
        means = np.stack([x[y == label].mean(0) for label in range(9)])
        inverse = np.linalg.inv(np.cov((x - means[y]).T))
        scores = features[held] @ inverse @ means.T
        scores -= np.einsum("mi,ij,mj->m", means, inverse, means) / 2
        right += int((scores.argmax(1) == labels[held]).sum())
    return right / len(labels)


@EVERY
@pytest.mark.parametrize(("height", "width", "frames"), [(160, 160, 11), (90, 200, 33)])
def test_all_of_the_thing_is_in_its_box_in_every_frame(
    name: str, height: int, width: int, frames: int
) -> None:
    bright = np.full((height, width, 3), (250, 0, 250), np.uint8)
    dark = np.full((120, 120, 3), 40, np.uint8)
    camera = moving.CAMERAS[name]
    fastest = Movement(camera, FULL.get(camera.split()[0], 0.0))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        found = moving_clip(bright, fastest, dark, rng, frames=frames, size=64)
        assert found.second is None
        assert found.boxes.min() >= 0
        assert found.boxes.max() <= 1
        for frame, box in zip(found.frames, found.boxes, strict=True):
            rows, columns = np.nonzero(frame[..., 0] > 145)  # half a pixel at the least
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert np.asarray(edges) / 64 == pytest.approx(box, abs=1.5 / 64), seed
        middle = found.boxes[found.middle]
        longer = (middle[2:] - middle[:2]).max()
        assert 0.24 < longer < 0.61


def test_a_second_thing_stays_on_the_ground_beside_the_first() -> None:
    seen = [found for i in range(30) if (found := clip("right", i, 64)).second is not None]
    assert 4 <= len(seen) <= 15
    for found in seen:
        centres = (found.second[:, :2] + found.second[:, 2:]) / 2 * 64 - 32
        points = np.concatenate([centres, np.ones((11, 1))], 1)
        on_ground = np.einsum("fij,fj->fi", found.ground, points)[:, :2]
        assert on_ground == pytest.approx(np.broadcast_to(on_ground[5], (11, 2)), abs=0.01)
        after, before = (
            found.second[:, :2] - found.boxes[:, 2:],
            found.boxes[:, :2] - found.second[:, 2:],
        )
        assert (np.maximum(after, before).max(1) > -0.04).all()  # the camera turns both


def test_a_movement_that_is_unknown_is_said() -> None:
    with pytest.raises(MlError, match="no movement 'sideways'"):
        clip("sideways", 0)


def source(root: Path, **more: object) -> MovingSource:
    if not (root / "train").is_dir():
        toys.folder(root, train=18, val=1, size=80)
    files = tuple(sorted((root / "train").glob("*/*.png")))
    looks = tuple(i // 18 for i in range(36))
    return MovingSource(files, looks, SnippetSpec(1, 48, 2, "dis"), 0, **more)


def test_every_epoch_draws_every_movement_as_often_and_other_clips(tmp_path: Path) -> None:
    drawn = DrawnClips(source(tmp_path), ("x",) * 18)
    order = [5, 0, 30]
    epochs = []
    for number in (1, 1, 2):
        with drawn.epoch(number, order) as split:
            assert Counter((split.labels % 9).tolist()) == dict.fromkeys(range(9), 4)
            assert (split.labels // 9).tolist() == [i // 18 for i in range(36)]
            epochs.append(([split.read(i, [0]) for i in order], split.labels))
    (one, labels), (same, _), (other, changed) = epochs
    assert (labels != changed).any()
    for (rgb, fields), (again, again_fields), (new, _) in zip(one, same, other, strict=True):
        assert rgb.shape == (1, 3, 48, 48)
        assert fields.shape == (1, 2, 2, 48, 48)
        assert (rgb == again).all()
        assert (fields == again_fields).all()
        assert (rgb != new).any()
    with drawn.epoch(0, order) as split, pytest.raises(ValueError, match="before clip 5"):
        split.read(0, [0])


def test_stored_clips_are_named_after_all_that_decides_them(tmp_path: Path) -> None:
    plain = source(tmp_path)
    grounds = (tmp_path / "a.png", tmp_path / "b.png")
    others = [
        source(tmp_path, epoch=1),
        source(tmp_path, grounds=grounds),
        MovingSource(plain.files[:9], plain.appearances[:9], plain.spec, 0),
    ]
    assert len({s.facts(0) for s in (plain, *others)}) == 4
    cv2.imwrite(str(grounds[0]), np.full((90, 70, 3), (0, 255, 0), np.uint8))
    cv2.imwrite(str(grounds[1]), np.full((90, 70, 3), (0, 255, 0), np.uint8))
    green = [(others[1].clip(i).frames[0][0, 0] == (0, 255, 0)).mean() > 0.5 for i in range(36)]
    assert 8 < sum(green) < 28  # noise hides some
    plain.files[3].write_bytes(b"no image")
    with pytest.raises(MlError, match=f"{plain.files[3].name} cannot be read"):
        plain.clip(3)


CONFIG = replace(
    QUICK, source=MOVING_OBJECTS, segments=1, test_segments=1, snippets=1, batch_size=18
)


@pytest.mark.usefixtures("narrow")
def test_a_run_trains_on_things_goes_on_and_says_what_it_was(tmp_path: Path) -> None:
    data = toys.folder(tmp_path / "data", train=6, val=3, size=80)
    config = replace(CONFIG, batch_size=6)
    spec = toys.run_of(data, tmp_path / "whole", config, probes=(0, 3))
    events = list(train(spec))
    assert {e.what for e in events if isinstance(e, Loading)} == {
        "Reading the validation clips and their flow"
    }
    end = next(e for e in events if isinstance(e, EpochEnd))
    assert set(end.streams) == {"rgb", "flow"}
    assert {"gradcam", "flow-gradcam"} <= {maps.method for maps in end.probes}
    finished = events[-1]
    assert isinstance(finished, Finished)
    about = checkpoints.read(finished.path).about
    assert about["classes"][:2] == ["disc, still", "disc, left"]
    assert about["training"]["recipe"]["source"] == MOVING_OBJECTS
    assert about["metrics"]["clips"] == 6
    cut = replace(spec, folder=tmp_path / "cut")
    run = train(cut)
    for event in run:
        if isinstance(event, Step) and event.step == 3:
            break
    run.close()
    resumed = list(train(cut))
    assert [e.step for e in resumed if isinstance(e, Step)] == [4]
    assert isinstance(resumed[-1], Finished)
    one, other = (load_file(e.path) for e in (finished, resumed[-1]))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures("narrow")
def test_a_run_is_estimated_and_frames_alone_have_to_tell_every_pair(tmp_path: Path) -> None:
    data = toys.folder(tmp_path / "data", train=18, val=9, size=80)
    spec = toys.run_of(data, tmp_path, CONFIG)
    assert estimates.cost(replace(spec, config=replace(CONFIG, batch_size=4)), 0.1)["steps"] == 18
    trainer, _ = sample(spec, 2)
    assert cache_bytes(spec, trainer, None) == 18 * 7 * 64**2  # training clips are not stored
    config = replace(CONFIG, architecture="frame_average")
    network = config.build(config.names(toys.CLASSES))
    assert network.spec.class_index is None
    assert network.rgb.mechanism.classifier[1].out_features == 18
    assert CONFIG.video(CONFIG.names(toys.CLASSES)).classes_of("rgb") == 2
