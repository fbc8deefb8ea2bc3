"""Many images or clips, each decoded in limited processes: sizes, or what is wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from app.core.settings import MIB, Settings
from app.media.decoder.process import DecoderDied, DecoderProcess, DecoderTimedOut

Size = tuple[int, int, float | None]  # width and height as shown, and of a clip its seconds
Verdict = Size | str  # or a sentence
BATCH_FILES = 32
BATCH_BYTES = 4 * MIB
BATCHES_A_CHILD = 100  # then a new process, so that no leak grows
MOST_CHILDREN = 4
DIED = "Reading it failed twice: it is damaged, or made to do harm."


class Verifier:
    """A few decoding processes; files are handed over one by one and looked at in batches."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(min(MOST_CHILDREN, os.cpu_count() or 1), "verifier")
        self._mine = threading.local()
        self._children: set[DecoderProcess] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self._waiting: list[tuple[str, Path]] = []
        self._waiting_bytes = 0
        self._clips = False  # whether those that wait are clips
        self._asked: list[Future[None]] = []
        self.verdicts: dict[str, Verdict] = {}

    @contextmanager
    def closing(self) -> Iterator[Verifier]:
        """Stop at the end of the `with`."""
        try:
            yield self
        finally:
            self.close()

    def add(self, key: str, path: Path, size: int, *, clip: bool = False) -> None:
        """Have a file of `size` bytes looked at; its verdict will be under `key`."""
        if clip != self._clips:
            self.flush()
            self._clips = clip
        self._waiting.append((key, path))
        self._waiting_bytes += size
        if len(self._waiting) >= BATCH_FILES or self._waiting_bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what waits for its batch to be full."""
        if self._waiting:
            self._asked.append(self._pool.submit(self._look, self._waiting, self._clips))
            self._waiting, self._waiting_bytes = [], 0

    def done(self, seconds: float) -> bool:
        """Wait so long for all that was sent; say whether it is done."""
        while self._asked:
            try:
                self._asked[0].result(seconds)
            except TimeoutError:
                return False
            self._asked.pop(0)
        return True

    def close(self) -> None:
        """Stop at once."""
        with self._lock:
            self._stopping = True
            for child in self._children:
                child.end()
        self._pool.shutdown(cancel_futures=True)
        for child in self._children:
            child.kill()

    def _look(self, batch: Sequence[tuple[str, Path]], clips: bool) -> None:
        verdicts = self._ask([path for _, path in batch], clips)
        for (key, _), verdict in zip(batch, verdicts, strict=True):
            self.verdicts[key] = verdict

    def _ask(self, paths: list[Path], clips: bool) -> list[Verdict]:
        if self._stopping:
            return [DIED] * len(paths)
        try:
            return self._ask_child(paths, clips)
        except DecoderTimedOut:
            if len(paths) == 1:
                return [f"Reading it took more than {self._seconds(clips):g} seconds."]
        except DecoderDied:
            if len(paths) == 1:
                return [self._ask_again(paths, clips)]
        return [verdict for path in paths for verdict in self._ask([path], clips)]

    def _ask_again(self, paths: list[Path], clips: bool) -> Verdict:
        try:
            return DIED if self._stopping else self._ask_child(paths, clips)[0]
        except (DecoderDied, DecoderTimedOut):
            return DIED

    def _seconds(self, clips: bool) -> float:
        settings = self._settings
        return settings.clip_decode_seconds if clips else settings.decode_seconds

    def _ask_child(self, paths: list[Path], clips: bool) -> list[Verdict]:
        child = self._child()
        try:
            verb = "clip_verify" if clips else "verify"
            request = {"do": verb, "paths": [str(path) for path in paths]}
            answer, _ = child.ask(request, self._seconds(clips))
        except (DecoderDied, DecoderTimedOut):
            self._forget(child)
            raise
        if child.asked >= BATCHES_A_CHILD:
            child.kill()
            self._forget(child)
        return [one if isinstance(one, str) else _size(*one) for one in answer["found"]]

    def _child(self) -> DecoderProcess:
        child: DecoderProcess | None = getattr(self._mine, "child", None)
        if child is None:
            with self._lock:
                if self._stopping:
                    raise DecoderDied
                child = DecoderProcess(self._settings)
                self._children.add(child)
            self._mine.child = child
        return child

    def _forget(self, child: DecoderProcess) -> None:
        self._mine.child = None
        with self._lock:
            self._children.discard(child)


def _size(width: int, height: int, seconds: float | None = None) -> Size:
    return width, height, seconds
