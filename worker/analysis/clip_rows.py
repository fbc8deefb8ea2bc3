"""From what a model says of a clip to rows and blobs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.db.tables import Prediction, new_id
from app.storage import keys
from ml.media import flow
from ml.networks.video.types import ClipResult, Pixels, Sampled, Track
from worker.analysis.rows import compact, entropy_bits, npy, prediction

FRAME_QUALITY = 90
FLOW_GRID = 56  # of the stored mean flow


def clip_prediction(analysis_id: str, result: ClipResult) -> Prediction:
    """Return the row of what one model says, with its scores by stream and segment."""
    row = prediction(analysis_id, result)
    row.clip = {
        "classes": list(result.classes),
        "times": _numbers(result.times),
        "bounds": _numbers(result.bounds),
        "fusion": result.fusion,
        "streams": {
            name: {
                "weight": float(scores.weight),
                "logits": _numbers(scores.logits),
                "consensus": _numbers(scores.consensus),
            }
            for name, scores in result.streams.items()
        },
        "shares": {name: _numbers(values) for name, values in result.shares.items()},
        "rest": float(result.rest),
    }
    return row


def track(
    analysis_id: str, model: str, found: Track
) -> tuple[list[dict[str, Any]], str, npt.NDArray[Any]]:
    """Return a track's rows, one a time, its blob's name, and the array in it [times, h, w].

    The numbers in the rows are those of that array.
    """
    stored = compact(found.values)
    key = keys.clip_map(analysis_id, model, found.stream, found.stage, found.method)
    same = {
        "analysis_id": analysis_id,
        "model": model,
        "stream": found.stream,
        "stage": found.stage,
        "method": found.method,
        "unit": found.unit,
        "layer": found.layer,
        "shape": list(stored.shape[1:]),
        "target": found.target,
        "blob_key": key,
    }
    rows = []
    for frame, (time_s, values) in enumerate(zip(found.times, stored, strict=True)):
        exact = values.astype(np.float64)
        rows.append(
            {
                **same,
                "id": new_id(),
                "frame": frame,
                "time_s": float(time_s),
                "min": float(exact.min()),
                "max": float(exact.max()),
                "sum": float(exact.sum()),
                "entropy": entropy_bits(exact),
            }
        )
    return rows, key, stored


def mean_flow(sampled: Sampled) -> bytes:
    """Return each snippet's mean flow as NPY, float16 [snippets, 2, 56, 56].

    In pixels of a 224 x 224 square from one frame to the next, x to the right and y downwards.
    """
    size = sampled.flow.shape[-1]
    steps = sampled.flow.sum(1, dtype=np.uint16).astype(np.float32) / sampled.flow.shape[1]
    edges = np.linspace(0, size, FLOW_GRID + 1).round().astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(steps, edges, axis=2), edges, axis=3)
    counts = np.diff(np.append(edges, size))
    means = sums / (counts[:, None] * counts[None, :])
    return npy((flow.dequantise(means) * (224 / size)).astype(np.float16))


def jpeg(rgb: Pixels) -> bytes:
    """Return a snippet's frame as a JPEG: the square that the models see, upright."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=FRAME_QUALITY)
    return file.getvalue()


def _numbers(values: npt.NDArray[Any]) -> list[Any]:
    numbers: list[Any] = np.asarray(values, np.float64).tolist()
    return numbers
