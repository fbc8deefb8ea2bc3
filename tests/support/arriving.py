"""Files that arrive at the server, without a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from app.core.settings import Settings
from app.media.decoder.client import Decoder
from app.media.uploads import Arrived, IncomingMedia, dropped
from app.storage.blobs import BlobStore


@contextmanager
def received(
    chunks: Iterable[bytes], blobs: BlobStore, decoder: Decoder, settings: Settings, filename: str
) -> Iterator[Arrived]:
    """Receive a photo or clip; it is gone at the end of the `with` unless kept."""
    with dropped(IncomingMedia(blobs, decoder, settings)) as file:
        for chunk in chunks:
            file.write(chunk)
        yield file.inspect(filename)
