"""What the study says of a network on moving objects is what that network does with them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.explain.interventions import edited_masks, even
from ml.media import flow
from ml.networks.video.base import build_video
from ml.networks.video.inputs import prepare
from ml.networks.video.two_stream import SnippetNetwork
from ml.networks.video.types import Sampled
from ml.study.clip_records import ClipMeasures
from ml.study.clips import measure_clips
from ml.study.packing import unpack_classes, unpack_flags
from ml.train.generators import result_of
from ml.train.tasks.clips.config import MOVING_OBJECTS, ClipConfig
from ml.train.tasks.clips.moving_source import MovingSource
from ml.train.tasks.clips.reading import SnippetSpec
from tests.support import toy_images as toys

pytestmark = pytest.mark.usefixtures("narrow")
COUNT, SIDE = 36, 64


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> MovingSource:
    root = toys.folder(tmp_path_factory.mktemp("things"), train=COUNT // 2, val=1, size=80)
    files = tuple(sorted((root / "train").glob("*/*.png")))
    looks = tuple(i // (COUNT // 2) for i in range(COUNT))
    return MovingSource(files, looks, SnippetSpec(1, SIDE, 2, "dis"), 0)


def sampled(source: MovingSource) -> list[Sampled]:
    clips = [source.clip(i).frames[None] for i in range(COUNT)]
    return [Sampled(c, np.zeros((1, 3)), np.zeros((1, 2)), flow.stack(c)) for c in clips]


def network(architecture: str, mechanism: str, clips: list[Sampled]) -> SnippetNetwork:
    """A network with random weights, and norms that fit what they see."""
    config = ClipConfig(
        source=MOVING_OBJECTS, architecture=architecture, mechanism=mechanism, flow_length=2
    )
    torch.manual_seed(1)
    made = build_video(config.video(config.names(toys.CLASSES))).eval()
    assert isinstance(made, SnippetNetwork)
    for module in made.train().modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        made(prepare(made, clips))
    return made.eval()


def measured(made: SnippetNetwork, source: MovingSource) -> ClipMeasures:
    return result_of(measure_clips(made, source, seed=3))


def test_the_record_is_what_the_network_does(source: MovingSource) -> None:
    again = replace(source, seed=3)
    clips = sampled(again)
    made = network("two_stream", "gated", clips)
    record = measured(made, source)
    batch = prepare(made, clips)
    with torch.inference_mode():
        output = made(batch)
        with edited_masks(made.flow, lambda _stage, mask: even(mask)):
            changed = made(batch)
    things, movements = (unpack_classes(record[k]) for k in ("things", "movements"))
    assert (things * 9 + movements).tolist() == list(again.labels)
    told = {
        "thing": output.streams["rgb"].scores[:, ::9].argmax(1),
        "movement": output.streams["flow"].scores[:, :9].argmax(1),
        "both": output.logits.argmax(1),
    }
    for name, predicted in told.items():
        assert unpack_classes(record["answers"][name]["predicted"]).tolist() == predicted.tolist()
    right = (told["movement"].numpy() == movements).mean()
    assert record["answers"]["movement"]["accuracy"] == pytest.approx(right, abs=1e-5)
    evenly = changed.streams["flow"].scores[:, :9].argmax(1)
    assert unpack_classes(record["even"]["flow"]["predicted"]).tolist() == evenly.tolist()
    assert record["even"]["flow"]["changed"] == pytest.approx(
        (evenly != told["movement"]).double().mean().item(), abs=1e-5
    )
    for stream in ("rgb", "flow"):
        mask = output.streams[stream].masks["early"][:, 0].mean(1)
        at = torch.nn.functional.interpolate(mask[:, None], (SIDE, SIDE), mode="bilinear")
        y, x = np.divmod(at.flatten(1).argmax(1).numpy(), SIDE)
        boxes = np.stack([again.clip(i).boxes[1] for i in range(COUNT)])
        point = np.stack([(x + 0.5) / SIDE, (y + 0.5) / SIDE], 1)
        inside = ((point >= boxes[:, :2]) & (point <= boxes[:, 2:])).all(1)
        figures = record["pointing"][stream]["attention"]["early"]
        assert (unpack_flags(figures["hits"], COUNT) == inside).mean() > 0.95  # ties
        assert record["pointing"][stream]["centre"]["image"]["hit"] < 0.9


def test_a_record_is_json_and_the_same_again(source: MovingSource) -> None:
    made = network("two_stream", "plain", sampled(source))
    record = measured(made, source)
    assert json.loads(json.dumps(record, allow_nan=False)) == json.loads(
        json.dumps(measured(made, source))
    )
    assert record["even"] == {}
    assert set(record["pointing"]["flow"]) == {"gradcam", "centre"}


def test_a_linear_classifier_finds_the_thing_in_frames_and_not_the_movement(
    source: MovingSource,
) -> None:
    looks = source.appearances
    made = network("frame_average", "plain", sampled(source))
    record = measured(made, replace(source, files=source.files * 2, appearances=looks * 2))
    assert set(record["controls"]) == {"rgb on thing", "rgb on movement"}
    assert record["controls"]["rgb on thing"]["interval"][0] > 0.5
    low, _ = record["controls"]["rgb on movement"]["interval"]
    assert low < 1 / 9
    assert set(record["answers"]) == {"thing", "movement", "both"}
    assert set(record["pointing"]) == {"rgb"}
