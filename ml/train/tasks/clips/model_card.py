"""What a finished clip run says of itself: the JSON beside its checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ml.checkpoint import describe_video
from ml.networks.network import Network
from ml.networks.video.base import VideoNetwork
from ml.train.model_card import describe
from ml.train.tasks.clips.evaluate import Measured, mcnemar, wilson
from ml.train.tasks.photos.evaluate import Evaluation
from ml.train.trainer import Provenance

if TYPE_CHECKING:
    from ml.train.tasks.clips.trainer import ClipTrainer

VERSIONS = ("av", "opencv-python-headless")


def describe_clips(
    trainer: ClipTrainer,
    network: VideoNetwork,
    measured: Measured,
    found: Evaluation,
    curves: list[dict[str, float]],
    provenance: Provenance,
) -> dict[str, Any]:
    """Everything that the JSON says; intervals are Wilson's, of 95 %."""
    told = {
        "train_clips": len(trainer.train.labels),
        "clip_versions": {name: version(name) for name in VERSIONS},
    }
    return describe(
        trainer, _parts(network), found, curves, provenance, counted(trainer, measured), told
    )


def counted(trainer: ClipTrainer, measured: Measured) -> dict[str, Any]:
    """Each stream's accuracy with its interval, and how likely chance alone parts it from both."""
    both, labels = measured.right["both"], trainer.val.labels
    streams = {
        name: {**_share(right), "mcnemar_p": round(mcnemar(right, both), 4)}
        for name, right in measured.right.items()
        if name != "both"
    }
    return {
        "interval": _share(both)["interval"],
        "clips": len(labels),
        "segments": trainer.kept,
        "majority": round(labels.bincount().max().item() / len(labels), 4),
        "streams": streams,
        "masks": measured.masks,
    }


def _share(right: Tensor) -> dict[str, Any]:
    low, high = wilson(int(right.sum()), len(right))
    accuracy = right.double().mean().item()
    return {"accuracy": accuracy, "interval": [round(low, 4), round(high, 4)]}


def _parts(network: VideoNetwork) -> dict[str, Any]:
    """Everything that builds the network again."""
    spec = describe_video(network.spec)
    rgb = getattr(network, "rgb", None)
    if isinstance(rgb, Network):
        spec["parameters"] = asdict(rgb.mechanism.parameters_used)
    return {**spec, "streams": list(network.streams)}
