"""Checks many images or clips in decoder processes: their sizes, or what is wrong with them."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from app.core.settings import MIB, Settings
from app.media.decoder.pool import DecoderPool
from app.media.decoder.process import DecoderDied, DecoderOverspent, DecoderTimedOut

Size = tuple[int, int, float | None]  # width and height as shown; of a clip its seconds too
Good = tuple[int, int, float | None, str | None]  # the size, and a note on how it was read
Verdict = Good | str  # or why the file cannot be used
BATCH_FILES = 32
BATCH_BYTES = 4 * MIB
MAX_PROCESSES = 4
DIED = "Reading it failed twice: it is damaged, or made to do harm."
GONE = "It cannot be opened: it has gone since, or the server may not read it."
BUSY = "The server was too busy to read it: import it once more."


class Verifier:
    """Verifies files in batches, several at a time; `verdicts` fills up meanwhile."""

    def __init__(self, settings: Settings) -> None:
        size = min(MAX_PROCESSES, os.cpu_count() or 1)
        self._settings = settings
        self._executor = ThreadPoolExecutor(size, "verifier")
        self._pending: deque[Future[None]] = deque()
        self._batch: list[tuple[str, Path]] = []
        self._batch_bytes = 0
        self._clips = False  # True if the batch is of clips
        self.decoders = DecoderPool(settings, size)
        self.verdicts: dict[str, Verdict] = {}

    def add(self, key: str, path: Path, size: int, *, clip: bool = False) -> None:
        """Verify a file of `size` bytes; its verdict will be at `verdicts[key]`."""
        if clip != self._clips:
            self.flush()
            self._clips = clip
        self._batch.append((key, path))
        self._batch_bytes += size
        if len(self._batch) >= BATCH_FILES or self._batch_bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Start verifying the batch that is not full yet."""
        if self._batch:
            self._pending.append(self._executor.submit(self._verify, self._batch, self._clips))
            self._batch, self._batch_bytes = [], 0

    def done(self, seconds: float) -> bool:
        """Return True once all batches are done; wait `seconds` for each at most."""
        while self._pending:
            try:
                self._pending[0].result(seconds)
            except TimeoutError:
                return False
            self._pending.popleft()
        return True

    def close(self) -> None:
        """Stop at once."""
        self.decoders.close()
        self._executor.shutdown(cancel_futures=True)

    def _verify(self, batch: list[tuple[str, Path]], clips: bool) -> None:
        verdicts = self._verdicts([path for _, path in batch], clips)
        self.verdicts.update(zip((key for key, _ in batch), verdicts, strict=True))

    def _verdicts(self, paths: list[Path], clips: bool, tries: int = 2) -> list[Verdict]:
        """Verify files together; if a process dies or takes too much, each by itself."""
        seconds = self._settings.clip_decode_seconds if clips else self._settings.decode_seconds
        verb = "clip_verify" if clips else "verify"
        request = {"do": verb, "paths": [str(path) for path in paths]}
        try:
            answer, _ = self.decoders.ask(request, seconds)
        except (DecoderDied, DecoderOverspent, DecoderTimedOut, OSError) as error:
            if len(paths) > 1:
                return [verdict for path in paths for verdict in self._verdicts([path], clips)]
            if isinstance(error, DecoderOverspent):
                return [f"Reading it took more than {seconds:g} seconds of processor time."]
            if isinstance(error, OSError):
                return [GONE]
            if tries > 1:
                return self._verdicts(paths, clips, tries - 1)
            return [BUSY if isinstance(error, DecoderTimedOut) else DIED]
        return [
            verdict if isinstance(verdict, str) else (*verdict, None, None)[:4]
            for verdict in answer["verdicts"]
        ]
