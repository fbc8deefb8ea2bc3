"""A photo or a clip as the models see it.

A photo is one picture. A clip is its snippets, decoded apart, and their flow, computed once.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from PIL import Image

from app.core.errors import NotFound
from app.jobs.parameters import SNIPPET as LENGTH
from app.jobs.parameters import ClipOptions, flow_key
from app.storage import keys
from ml.media import flow
from ml.media.fit import fitted_size
from ml.networks.video.sampling import segment_bounds, snippets
from ml.networks.video.types import Pixels, Sampled
from worker.analysis.blob_writer import BlobWriter
from worker.analysis.rows import npy
from worker.analysis.task import Task

FRAME_QUALITY = 90
FLOW_GRID = 56  # of the stored mean flow


def sample(task: Task, writer: BlobWriter) -> Sampled:
    """Return the pixels, and begin to store what the page of a clip shows beside the maps.

    Raises:
        NotFound: The file is gone.
        BadMedia: It cannot be decoded.
        MlError: The clip has nothing in the range.
    """
    blobs, kind = task.context.runtime.blobs, task.media.kind
    if not blobs.exists(task.media.blob_key):
        name = "photo" if kind == "image" else kind
        raise NotFound(f"The {name} is gone from the server's disk: upload it again.")
    path = blobs.path(task.media.blob_key)
    if task.request.clip is not None:
        return _sample_clip(task, task.request.clip, path, writer)
    request = task.request
    at = request.place.numbers if request.place else None
    pixels = task.context.runtime.decoder.pixels(path, request.input_size, request.fit, at)
    return Sampled.of_photo(pixels)


def _sample_clip(task: Task, options: ClipOptions, path: Path, writer: BlobWriter) -> Sampled:
    task.report_sampling(0.0, "Decoding")
    times = task.context.runtime.decoder.clip_times(path)
    task.context.check()
    span = (options.segments, options.from_s, options.to_s)
    chosen = snippets(times, span[0], LENGTH, *span[1:])
    media, request = task.media, task.request
    width, height = fitted_size(media.width, media.height, request.input_size, request.fit)
    frames = np.empty((len(chosen), LENGTH, height, width, 3), np.uint8)
    key, shape = flow_key(media.id, request), (len(chosen), LENGTH - 1, 2, height, width)
    stored = _stored_flow(task, key, shape)
    fields = np.empty(shape, np.uint8) if stored is None else stored
    for number, k in enumerate(_decoded(task, path, chosen, frames), 1):
        message = "Decoding"
        if stored is None:
            fields[k] = flow.stack(frames[k], options.flow)
            message = f"Flow {number * (LENGTH - 1)} of {len(chosen) * (LENGTH - 1)}"
        task.report_sampling(number / len(chosen), message)
    moments = np.asarray(times, np.float64)[np.array(chosen)]
    sampled = Sampled(frames, moments, segment_bounds(times, *span), fields)
    for k, frame in enumerate(sampled.rgb):
        writer.put(keys.snippet_frame(task.analysis_id, k), partial(_jpeg, frame))
    writer.put(keys.mean_flow(task.analysis_id), partial(mean_flow, sampled))
    if stored is None:
        writer.put(key, partial(npy, fields))
    return sampled


def _decoded(
    task: Task, path: Path, chosen: Sequence[Sequence[int]], frames: Pixels
) -> Iterator[int]:
    """Fill `frames`, and yield the number of each snippet that is whole.

    The next ones are being decoded then: the process that decodes and the thread that computes
    the flow work at the same time.
    """
    wanted = sorted({index for snippet in chosen for index in snippet})
    users: dict[int, list[tuple[int, int]]] = {index: [] for index in wanted}
    for k, snippet in enumerate(chosen):
        for place, index in enumerate(snippet):
            users[index].append((k, place))
    missing = [len(snippet) for snippet in chosen]
    whole: SimpleQueue[int | None] = SimpleQueue()

    def arrived(number: int, pixels: Pixels) -> None:
        task.context.check()
        for k, place in users.pop(wanted[number], ()):  # () if a second try sends it again
            frames[k, place] = pixels
            missing[k] -= 1
            if missing[k] == 0:
                whole.put(k)

    decode = task.context.runtime.decoder.clip_frames
    with ThreadPoolExecutor(1, thread_name_prefix="decoding") as ahead:
        height, width = frames.shape[2:4]
        decoding = ahead.submit(decode, path, wanted, (width, height), arrived)
        decoding.add_done_callback(lambda _: whole.put(None))
        while (ready := whole.get()) is not None:
            yield ready
        decoding.result()  # raises what decoding raised


def _stored_flow(task: Task, key: str, shape: tuple[int, ...]) -> Pixels | None:
    """Return the flow that an earlier analysis left; None if it is not whole."""
    try:
        stored = np.load(task.context.runtime.blobs.path(key), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return stored if stored.shape == shape and stored.dtype == np.uint8 else None


def mean_flow(sampled: Sampled) -> bytes:
    """Return each snippet's mean flow as NPY, float16 [snippets, 2, 56, 56].

    In pixels of the frame squashed to 224 x 224, from one frame to the next, x to the right and y
    downwards.
    """
    height, width = sampled.flow.shape[-2:]
    means = sampled.flow.sum(1, dtype=np.uint16).astype(np.float32) / sampled.flow.shape[1]
    for axis, length in ((2, height), (3, width)):
        edges = np.linspace(0, length, FLOW_GRID + 1).round().astype(int)
        counts = np.diff(edges).reshape(-1, *[1] * (3 - axis))
        means = np.add.reduceat(means, edges[:-1], axis=axis) / counts
    scale = np.array([224 / width, 224 / height]).reshape(2, 1, 1)
    return npy((flow.dequantise(means) * scale).astype(np.float16))


def _jpeg(rgb: Pixels) -> bytes:
    """Return a snippet's frame as a JPEG: what the models see."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=FRAME_QUALITY)
    return file.getvalue()
