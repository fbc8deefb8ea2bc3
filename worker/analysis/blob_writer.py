"""Writing many small blobs in the background."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from app.storage.blobs import BlobStore

AT_ONCE = 8  # waits for the disk, not for the processor


class BlobWriter:
    """Puts blobs in the background; leaving the `with` waits for all of them."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="writing")
        self._waiting: list[Future[None]] = []

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._threads.shutdown()
        if error is None:
            self.wait()

    def put(self, key: str, make: Callable[[], bytes]) -> None:
        """Begin to store a blob, which is made in the background too."""
        self._waiting.append(self._threads.submit(lambda: self._blobs.put(key, make())))

    def wait(self) -> None:
        """Wait until all blobs so far are on the disk; raise what one of them raised."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.result()
