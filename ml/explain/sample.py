"""A clip on disk, as the models see it. Decodes here: a stranger's file belongs to `app.media`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml.media import flow as motion
from ml.media.clip import read
from ml.media.fit import CLIP_FIT, Fit, fitted_size
from ml.networks.video.sampling import segment_bounds, snippets
from ml.networks.video.types import Sampled


def sample_clip(
    path: Path,
    segments: int = 8,
    length: int = 11,
    size: int = 224,
    start_s: float | None = None,
    end_s: float | None = None,
    flow: str = "dis",
    fit: Fit = CLIP_FIT,
) -> Sampled:
    """Decode the frames that are looked at, fitted to `size` px, and compute the flow among them.

    MlError for a file that is no clip, a range in which it has nothing, or an unknown flow.
    """
    times = read.times(path)
    chosen = np.array(snippets(times.tolist(), segments, length, start_s, end_s))
    wanted, place = np.unique(chosen, return_inverse=True)
    decoded = read.frames(path, wanted.tolist(), fitted_size(*read.shown(path), size, fit))
    frames = decoded[place.reshape(chosen.shape)]
    return Sampled(
        frames=frames,
        times=times[chosen],
        bounds=segment_bounds(times.tolist(), segments, start_s, end_s),
        flow=motion.stack(frames, flow),
    )
