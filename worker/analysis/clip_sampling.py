"""A clip as the models see it: its snippets, decoded apart, and their flow, computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from app.core.errors import NotFound
from app.db.tables import Media
from app.jobs.parameters import SNIPPET as LENGTH
from app.jobs.parameters import AnalysisRequest, ClipOptions, flow_key
from ml.media import flow
from ml.networks.video.sampling import segment_bounds, snippets
from ml.networks.video.types import Pixels, Sampled
from worker.context import Context

FLOWN = 0.25  # progress when the flow is there
ReportProgress = Callable[[float, str], None]


@dataclass(frozen=True)
class Sampling:
    """Takes one medium's snippets as a request asks for them, and reports progress."""

    context: Context
    media: Media
    request: AnalysisRequest
    tell: ReportProgress

    @property
    def options(self) -> ClipOptions:
        """What of the clip is looked at."""
        return self.request.clip or ClipOptions()

    @property
    def flow_key(self) -> str:
        """The blob that keeps the flow."""
        return flow_key(self.media.id, self.request)

    def take(self) -> tuple[Sampled, bool]:
        """Return the snippets, and whether their flow is new: it should be kept at `flow_key`.

        Raises NotFound, BadMedia, or MlError for a range in which the clip has nothing.
        """
        path = self._path()
        self.tell(0.0, "Decoding")
        times = self.context.runtime.decoder.clip_times(path)
        self.context.check()
        o = self.options
        chosen = snippets(times, o.segments, LENGTH, o.from_s, o.to_s)
        size = self.request.input_size
        frames = np.empty((len(chosen), LENGTH, size, size, 3), np.uint8)
        kept = self._kept((len(chosen), LENGTH - 1, 2, size, size))
        fields = np.empty((len(chosen), LENGTH - 1, 2, size, size), np.uint8)
        for number, k in enumerate(self._decoded(path, chosen, frames), 1):
            if kept is None:
                fields[k] = flow.stack(frames[k], self.options.flow)
            self._tell_of(number, len(chosen), new=kept is None)
        sampled = Sampled(
            frames=frames,
            times=np.asarray(times, np.float64)[np.array(chosen)],
            bounds=segment_bounds(times, o.segments, o.from_s, o.to_s),
            flow=fields if kept is None else kept,
        )
        return sampled, kept is None

    def _path(self) -> Path:
        blobs = self.context.runtime.blobs
        if not blobs.exists(self.media.blob_key):
            raise NotFound("The clip is gone from the server's disk: upload it again.")
        return blobs.path(self.media.blob_key)

    def _decoded(
        self, path: Path, chosen: Sequence[Sequence[int]], frames: Pixels
    ) -> Iterator[int]:
        """Fill `frames`, and say which snippet is whole; the next ones are being decoded then.

        The process that decodes and the thread that computes the flow so work at the same time.
        """
        wanted = sorted({index for snippet in chosen for index in snippet})
        users: dict[int, list[tuple[int, int]]] = {index: [] for index in wanted}
        for k, snippet in enumerate(chosen):
            for place, index in enumerate(snippet):
                users[index].append((k, place))
        missing = [len(snippet) for snippet in chosen]
        whole: SimpleQueue[int | None] = SimpleQueue()

        def arrived(number: int, pixels: Pixels) -> None:
            self.context.check()
            for k, place in users.pop(wanted[number], ()):  # () where a second try sends it again
                frames[k, place] = pixels
                missing[k] -= 1
                if missing[k] == 0:
                    whole.put(k)

        decode = self.context.runtime.decoder.clip_frames
        with ThreadPoolExecutor(1, thread_name_prefix="decoding") as ahead:
            coming = ahead.submit(decode, path, wanted, frames.shape[2], arrived)
            coming.add_done_callback(lambda _: whole.put(None))
            while (ready := whole.get()) is not None:
                yield ready
            coming.result()  # raises what decoding raised

    def _tell_of(self, done: int, total: int, *, new: bool) -> None:
        count = LENGTH - 1
        message = f"Flow {done * count} of {total * count}" if new else "Decoding"
        self.tell(FLOWN * done / total, message)

    def _kept(self, shape: tuple[int, ...]) -> Pixels | None:
        """Return the flow that an earlier analysis left; None where it is not whole."""
        path = self.context.runtime.blobs.path(self.flow_key)
        try:
            kept = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return kept if kept.shape == shape and kept.dtype == np.uint8 else None
