"""From what a model says to rows and blobs."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from app.db.tables import Heatmap, Prediction
from app.storage import keys
from ml.networks.types import Heatmap as Map
from ml.networks.types import ImageResult
from ml.networks.video.types import ClipResult

TOP = 5
HALF_RANGE = (1e-2, 6e4)  # where float16 keeps three digits of a map's larger values


def prediction(analysis_id: str, result: ImageResult | ClipResult) -> Prediction:
    """Return the row of what one model says."""
    best = np.argsort(-result.probabilities, kind="stable")[:TOP]
    target = result.target_index
    return Prediction(
        analysis_id=analysis_id,
        model=result.model,
        top=[_named(result, int(index)) for index in best],
        target_index=target,
        target_name=result.classes[target],
        target_logit=float(result.logits[target]),
        target_probability=float(result.probabilities[target]),
        seconds=result.seconds,
    )


def heatmap(analysis_id: str, model: str, map_: Map) -> tuple[Heatmap, bytes]:
    """Return one map's row and its NPY file; the numbers in the row are those of the file."""
    stored = compact(map_.values)
    exact = stored.astype(np.float64)
    row = Heatmap(
        analysis_id=analysis_id,
        model=model,
        stage=map_.stage,
        method=map_.method,
        unit=map_.unit,
        layer=map_.layer,
        shape=list(stored.shape),
        min=float(exact.min()),
        max=float(exact.max()),
        sum=float(exact.sum()),
        entropy=entropy_bits(exact),
        target=map_.target,
        blob_key=keys.photo_map(analysis_id, model, map_.stage, map_.method),
    )
    return row, npy(stored)


def compact(values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return float16, or float32 where the whole map is too small or too large for float16."""
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


def _named(result: ImageResult | ClipResult, index: int) -> dict[str, Any]:
    probability = float(result.probabilities[index])
    return {"index": index, "name": result.classes[index], "probability": probability}


def npy(values: npt.NDArray[Any]) -> bytes:
    """Return the NPY file of an array."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()
