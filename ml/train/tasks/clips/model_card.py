"""What the card of a clip model has beside a photo model's."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from torch import Tensor

from ml.checkpoint import describe_video
from ml.model_card import Architecture, TaskMetrics
from ml.networks.video.base import VideoNetwork
from ml.train.tasks.clips.evaluate import ClipEvaluation, mcnemar, wilson

VERSIONS = ("av", "opencv-python-headless")


def architecture(network: VideoNetwork) -> Architecture:
    """Return everything that is needed to build the network again."""
    return {**describe_video(network.spec), "streams": list(network.streams)}


def metrics(measured: ClipEvaluation, labels: Tensor, segments: int) -> TaskMetrics:
    """Return each stream's accuracy and how likely it differs from both by chance alone.

    Intervals are Wilson's, of 95 %.

    Args:
        measured: The evaluation of a split.
        labels: The split's labels, (N,).
        segments: Number of segments that each clip was evaluated on.
    """
    both = measured.right["both"]
    streams = {
        name: {**_share(right), "mcnemar_p": round(mcnemar(right, both), 4)}
        for name, right in measured.right.items()
        if name != "both"
    }
    return {
        "interval": _share(both)["interval"],
        "clips": len(labels),
        "segments": segments,
        "majority": round(labels.bincount().max().item() / len(labels), 4),
        "streams": streams,
        "masks": measured.masks,
    }


def versions() -> dict[str, str]:
    """Return the versions of the libraries that read clips."""
    return {name: version(name) for name in VERSIONS}


def _share(right: Tensor) -> dict[str, Any]:
    low, high = wilson(int(right.sum()), len(right))
    accuracy = right.double().mean().item()
    return {"accuracy": accuracy, "interval": [round(low, 4), round(high, 4)]}
