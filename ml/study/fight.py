"""Fight or no fight, judged on sources that no model has seen: every clip is held out once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml import checkpoint as checkpoints
from ml.calibration.domain import auroc
from ml.errors import MlError
from ml.files import write_whole
from ml.networks.attention.base import MECHANISMS
from ml.networks.video.base import VideoNetwork
from ml.networks.video.inputs import normalise_flow
from ml.networks.video.two_stream import SnippetNetwork
from ml.networks.video.types import STREAMS, ClipBatch
from ml.networks.weights import normalise
from ml.study import frozen
from ml.study.sources import Bools, Scores, Whole, figures, folds, source_of
from ml.train.configure import configure
from ml.train.generators import result_of
from ml.train.run import MODEL
from ml.train.spec import LabelledFiles, RunSpec
from ml.train.start import train
from ml.train.tasks.clips.config import ClipConfig
from ml.train.tasks.clips.data import Clips, list_clips, load
from ml.train.tasks.clips.initial_weights import initial_weights
from ml.train.tasks.clips.reading import ClipSource, SnippetSpec
from ml.train.tasks.clips.recipes import FIGHT
from ml.train.tasks.photos.recipes import shipped as shipped_photo_model

FOLDS = 5
CLASSES = ("fight", "no_fight")
LINEAR, FROZEN = "linear", "frozen-"
METHODS = (LINEAR, f"{FROZEN}l2pa", f"{FROZEN}gated", *MECHANISMS)
WEIGHTS = (0.5, 0.4, 0.6, 0.2, 0.8, 0.0, 1.0)  # of flow in the fusion; of equals the first
Held = dict[str, list[float]]  # stream -> each clip's score, by a model that has not seen it


@dataclass(frozen=True)
class Study:
    """All labelled clips of a folder, in folds of whole sources.

    cache: Where snippets, features and unfinished runs are kept.
    """

    files: LabelledFiles
    sources: tuple[str, ...]
    cache: Path
    weights: tuple[Path, ...] = ()

    @classmethod
    def of(cls, data: Path, cache: Path, weights: Sequence[Path] = ()) -> Study:
        """List train/ and val/ together; MlError if they hold anything but fights."""
        splits = [list_clips(data / split) for split in ("train", "val")]
        if any(classes != CLASSES for _, classes in splits):
            raise MlError(f"Expected the classes {' and '.join(CLASSES)} in train/ and val/.")
        paths = tuple(path for files, _ in splits for path in files.files)
        labels = tuple(label for files, _ in splits for label in files.labels)
        return cls(
            LabelledFiles(paths, labels), tuple(map(source_of, paths)), cache, tuple(weights)
        )

    @property
    def fold(self) -> Whole:
        """Each clip's fold."""
        return folds(self.sources, FOLDS)

    @property
    def fights(self) -> Bools:
        """Which clips are fights."""
        fights: Bools = np.array(self.files.labels) == 0
        return fights

    @property
    def fingerprint(self) -> str:
        """Hash of the clips' names, sizes and labels."""
        return hashlib.sha256(self.files.facts().encode()).hexdigest()

    def clips(self, chosen: Sequence[int]) -> Generator[float, None, Clips]:
        """Read these clips' middle snippets as validation does; yield the share done."""
        c = ClipConfig()
        spec = SnippetSpec(c.test_segments, c.size_kept, c.flow_length, c.flow)
        files = self._files(chosen)
        source = ClipSource(files.files, files.labels, spec)
        return load(source, CLASSES, self.cache / "clips", self.fingerprint)

    def _files(self, chosen: Sequence[int]) -> LabelledFiles:
        paths, labels = self.files.files, self.files.labels
        return LabelledFiles(tuple(paths[i] for i in chosen), tuple(labels[i] for i in chosen))

    def run_of(self, mechanism: str, number: int) -> RunSpec:
        """Return the full recipe's run on all folds but one."""
        parameters = shipped_photo_model(mechanism).get("parameters", {})
        config = configure(
            mechanism, {"architecture": "two_stream", **FIGHT, "parameters": parameters}
        )
        return RunSpec(
            config=config,
            classes=CLASSES,
            train=self._files(np.flatnonzero(self.fold != number).tolist()),
            val=self._files(np.flatnonzero(self.fold == number).tolist()),
            folder=self.cache / f"{mechanism}-{number}.run",
            cache=self.cache,
            data_name="surveillance clips with and without fights (Aktı et al., IPTA 2019)",
            data_fingerprint=self.fingerprint,
            weights=self.weights,
        )


def held_out(study: Study, method: str) -> Held:
    """Return both streams' scores (log odds or alike) of every clip, held out with its source."""
    return _heads(study, method) if method.startswith((LINEAR, FROZEN)) else _full(study, method)


def _heads(study: Study, method: str) -> Held:
    clips = result_of(study.clips(range(len(study.sources))))
    config = replace(ClipConfig(), **FIGHT)
    network = config.build(CLASSES)
    assert isinstance(network, SnippetNetwork)
    initial_weights(config, None, study.weights).load_into(network)
    maps = result_of(frozen.features(clips, network.eval()))
    held: Held = {}
    for stream in STREAMS:
        if method == LINEAR:
            scores = frozen.linear(maps, stream, clips.labels, study.fold, study.sources)
        else:
            mechanism = method.removeprefix(FROZEN)
            scores = frozen.attention(mechanism, maps, stream, clips.labels, study.fold)
        held[stream] = _rounded(scores)
    return held


def _full(study: Study, mechanism: str) -> Held:
    """Train a network on the other folds for each fold; a finished run is not done again."""
    held: dict[str, Scores] = {stream: np.zeros(len(study.sources)) for stream in STREAMS}
    for number in range(FOLDS):
        spec, chosen = study.run_of(mechanism, number), np.flatnonzero(study.fold == number)
        if not (spec.folder / MODEL).is_file():
            for _ in train(spec):
                pass
        network = checkpoints.load_video(checkpoints.read(spec.folder / MODEL))
        clips = result_of(study.clips(chosen.tolist()))
        for place, index in enumerate(chosen):
            for stream, score in _scores(network, clips, place).items():
                held[stream][index] = score
    return {stream: _rounded(scores) for stream, scores in held.items()}


@torch.inference_mode()
def _scores(network: VideoNetwork, clips: Clips, index: int) -> dict[str, float]:
    rgb, flow = clips.read(index, range(clips.snippets))
    output = network(ClipBatch(normalise(rgb)[None], normalise_flow(flow)[None]))
    return {s: float(o.scores[0, 0] - o.scores[0, 1]) for s, o in output.streams.items()}


def _rounded(scores: Scores) -> list[float]:
    return [round(float(score), 4) for score in scores]


def fused(study: Study, held: Held) -> tuple[Scores, list[float]]:
    """Return fused scores (N,), and each fold's weight of flow.

    A fold's weight is the one with the largest AUC over the held-out scores of the other folds.
    """
    rgb, flow = np.array(held["rgb"]), np.array(held["flow"])
    scores, weights = np.zeros(len(rgb)), []
    for number in range(FOLDS):
        seen = study.fold != number
        yes, no = seen & study.fights, seen & ~study.fights
        mixes = [(1 - w) * rgb + w * flow for w in WEIGHTS]
        best = int(np.argmax([auroc(mix[yes], mix[no]) for mix in mixes]))
        scores[~seen] = mixes[best][~seen]
        weights.append(WEIGHTS[best])
    return scores, weights


def summary(study: Study, held: Held) -> dict[str, Any]:
    """Return each stream's and the fusion's figures (see `figures`), and the fusion weights."""
    both, weights = fused(study, held)
    scores = {**{str(stream): np.array(held[stream]) for stream in STREAMS}, "fused": both}
    found = {name: figures(own, study.fights, study.sources) for name, own in scores.items()}
    return {**found, "flow_weights": weights}


def run(study: Study, methods: Sequence[str], path: Path) -> dict[str, Any]:
    """Do what the file does not hold yet, method by method, and write it; return all of it.

    Raises:
        MlError: A method is unknown, or the file is of other clips.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise MlError(f"Unknown: {', '.join(unknown)}. Known: {', '.join(METHODS)}.")
    facts = {
        "clips": [f"{path.parent.name}/{path.name}" for path in study.files.files],
        "folds": study.fold.tolist(),
    }
    record: dict[str, Any] = {**facts, "methods": {}}
    if path.is_file():
        record = json.loads(path.read_text(encoding="utf-8"))
        if any(record[name] != value for name, value in facts.items()):
            raise MlError(f"{path.name} is of other clips or folds. Name another file.")
    done = {method: found["held_out"] for method, found in record["methods"].items()}
    for method in methods:
        done[method] = done.get(method) or held_out(study, method)
        every = {name: {"held_out": held, **summary(study, held)} for name, held in done.items()}
        record["methods"] = every
        write_whole(path, (json.dumps(record, indent=1) + "\n").encode())
    return record


def table(record: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table, in percent."""
    lines = [
        '| trained | scores of | right | balanced | AUC | right, less always "fight" |',
        "|---|---|---|---|---|---|",
    ]
    for method, found in record["methods"].items():
        for part in (*STREAMS, "fused"):
            cells = [_cell(found[part][name]) for name in ("accuracy", "balanced", "auc", "gain")]
            lines.append(f"| {method} | {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(triple: Sequence[float]) -> str:
    value, low, high = (100 * number for number in triple)
    return f"{value:.1f} ({low:.0f} to {high:.0f})"
