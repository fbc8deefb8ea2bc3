"""From what a model says to rows and blobs."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from app.db import documents
from app.db.tables import Prediction, new_id
from app.storage import keys
from ml.explain.results import ClipScores, Explanation, Track

TOP = 5
DIGITS = 4  # of logits after the point: of 1000 classes the JSON is a third as long so
HALF_RANGE = (1e-2, 6e4)  # where float16 keeps three digits of a map's larger values


def prediction(analysis_id: str, result: Explanation) -> Prediction:
    """Return the row of what one model says; of a clip with its scores over time."""
    best = np.argsort(-result.probabilities, kind="stable")[:TOP]
    target = result.target_index
    row = Prediction(
        analysis_id=analysis_id,
        model=result.model,
        top=[
            {
                "index": int(index),
                "name": result.classes[index],
                "probability": float(result.probabilities[index]),
                "logit": float(result.logits[index]),
            }
            for index in best
        ],
        abstained=result.abstained,
        in_domain=result.in_domain,
        seconds=result.seconds,
    )
    if target is not None:
        row.target_index = target
        row.target_name = result.classes[target]
        row.target_logit = float(result.logits[target])
        row.target_probability = float(result.probabilities[target])
    if result.clip is not None:
        row.clip = _clip(result.classes, result.clip, result.temperature)
    return row


def _clip(classes: tuple[str, ...], scores: ClipScores, temperature: float) -> documents.ClipScores:
    return {
        "classes": list(classes),
        "times": _numbers(scores.times),
        "bounds": _numbers(scores.bounds),
        "fusion": scores.fusion,
        "streams": {
            name: {
                "weight": float(stream.weight),
                "logits": _numbers(stream.logits.astype(np.float64).round(DIGITS)),
                "consensus": _numbers(stream.consensus),
            }
            for name, stream in scores.streams.items()
        },
        "shares": {name: _numbers(values) for name, values in scores.shares.items()},
        "rest": float(scores.rest),
        "temperature": temperature,
    }


def _numbers(values: npt.NDArray[Any]) -> list[Any]:
    numbers: list[Any] = np.asarray(values, np.float64).tolist()
    return numbers


def track(
    analysis_id: str, model: str, track: Track, *, of_clip: bool
) -> tuple[str, npt.NDArray[Any], list[dict[str, Any]]]:
    """Return the name of a track's blob, the array in it, and its rows, one a moment.

    A clip's array is [times, h, w]. A photo's has no axis for time, and its row no moment. The
    numbers in the rows are those of the array.
    """
    array = compact(track.values)
    stream = track.stream if of_clip else None
    key = keys.track(analysis_id, model, track.stage, track.method, stream)
    same = {
        "analysis_id": analysis_id,
        "model": model,
        "stream": track.stream,
        "stage": track.stage,
        "method": track.method,
        "unit": track.unit,
        "layer": track.layer,
        "shape": list(array.shape[1:]),
        "target": track.target,
        "evidence": _evidence(track),
        "blob_key": key,
    }
    rows = []
    for frame, (time_s, values) in enumerate(zip(track.times, array, strict=True)):
        exact = values.astype(np.float64)
        rows.append(
            {
                **same,
                "id": new_id(),
                "frame": frame if of_clip else -1,
                "time_s": float(time_s) if of_clip else None,
                "min": float(exact.min()),
                "max": float(exact.max()),
                "sum": float(exact.sum()),
                "entropy": entropy_bits(exact),
            }
        )
    return key, array if of_clip else array[0], rows


def _evidence(track: Track) -> documents.Evidence | None:
    return None if track.effects is None else cast(documents.Evidence, asdict(track.effects))


def compact(values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return float16, or float32 if all maps are too small or too large for float16."""
    largest = float(np.abs(values).max())
    half = largest == 0 or HALF_RANGE[0] <= largest <= HALF_RANGE[1]
    return np.ascontiguousarray(values, np.float16 if half else np.float32)


def entropy_bits(values: npt.NDArray[np.float64]) -> float | None:
    """Return the entropy of the positive part scaled to sum 1, in bits; None without any."""
    positive = values[values > 0]
    if positive.size == 0:
        return None
    share = positive / positive.sum()
    share = share[share > 0]
    return max(0.0, float(-(share * np.log2(share)).sum()))


def npy(values: npt.NDArray[Any]) -> bytes:
    """Return the NPY file of an array."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()
