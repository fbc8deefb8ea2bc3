"""Reads one file of a multipart body as it arrives, without holding it in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from app.core.errors import BadMedia, TooLarge, Unprocessable
from app.core.settings import Settings
from app.media.uploads import clip_too_large
from app.web.http.arrival import Arrival

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"
OVERHEAD = 64 * 1024  # boundaries, headers and other small fields around the file
FIELD_BYTES = 4096  # of a small field, or of a part's header
MOST_FIELDS = 16
PIECE = 256 * 1024  # bytes that are written at once
MISSING = (
    "Send the photo or clip as multipart/form-data in a field called `file`, for example "
    "`curl -F file=@photo.jpg .../api/v1/media`."
)


class FileStream:
    """The first field called `file`, in chunks; small fields are collected in `fields`.

    Args:
        request: The request, whose body is read.
        settings: How fast it must arrive.
        max_bytes: Most bytes of the file.
        missing: Error text if the form has no file.
        too_large: Makes the error for more than `max_bytes` bytes.
    """

    def __init__(
        self,
        request: Request,
        settings: Settings,
        max_bytes: int,
        missing: str,
        too_large: Callable[[int], TooLarge],
    ) -> None:
        self._limit = max_bytes
        self._missing = missing
        self._too_large = too_large
        self._check_declared(request)
        self._parser = self._make_parser(request)
        self.arrival = Arrival(request, settings)
        self._body_bytes = 0
        self._ended = False
        self._header = b""
        self._disposition = b""
        self._inside = False
        self._field: str | None = None
        self._chunks: deque[bytes] = deque()
        self._held = 0  # bytes in them
        self.filename: str | None = None
        self.fields: dict[str, str] = {}

    async def open(self) -> str:
        """Read up to the file and return its name; Unprocessable if there is none."""
        while self.filename is None and not self._ended:
            await self._read()
        if self.filename is None:
            raise Unprocessable(self._missing)
        return self.filename

    async def pour(self, write: Callable[[bytes], None], threads: CapacityLimiter) -> None:
        """Write the whole file, after which `fields` is complete.

        `write` runs in a thread, which is taken only once there are bytes to write.
        """
        while not self._ended:
            while self._held < PIECE and not self._ended:
                await self._read()
            piece = b"".join(self._chunks)
            self._chunks.clear()
            self._held = 0
            if piece:
                await to_thread.run_sync(write, piece, limiter=threads)

    async def _read(self) -> None:
        try:
            chunk = await self.arrival.read()
            self._body_bytes += len(chunk)
            if self._body_bytes > self._limit + OVERHEAD:
                raise self._too_large(self._limit)
            if chunk:
                self._parser.write(chunk)
                return
            self._ended = True
            self._parser.finalize()
        except FormParserError:
            raise _broken() from None
        if self._inside:
            raise _broken()

    def _check_declared(self, request: Request) -> None:
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit + OVERHEAD:
            raise self._too_large(self._limit)

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
        }

    def _part_begin(self) -> None:
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        if len(self._header) > FIELD_BYTES:
            raise _broken()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]
        if len(self._disposition) > FIELD_BYTES:
            raise _broken()

    def _header_end(self) -> None:
        self._header = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if self.filename is None and field == FIELD:
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            self.filename = name.replace("%22", '"')  # as browsers escape it
            self._inside = True
        elif field != FIELD and field not in self.fields:
            if len(self.fields) >= MOST_FIELDS:
                raise _broken()
            self.fields[field] = ""
            self._field = field

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._take(data[start:end])
        elif self._field is not None and len(self.fields[self._field]) < FIELD_BYTES:
            self.fields[self._field] += data[start:end].decode("utf-8", "replace")

    def _part_end(self) -> None:
        self._inside = False
        self._field = None

    def _take(self, data: bytes) -> None:
        self._chunks.append(data)
        self._held += len(data)

    def _make_parser(self, request: Request) -> MultipartParser:
        kind, options = parse_options_header(request.headers.get("content-type"))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise Unprocessable(self._missing)
        try:
            return MultipartParser(options[b"boundary"], self._callbacks())
        except FormParserError:  # of a boundary that is too long
            raise _broken() from None


class MediaStream(FileStream):
    """A photo or clip."""

    def __init__(self, request: Request, settings: Settings) -> None:
        most = max(settings.max_image_bytes, settings.max_clip_bytes)
        super().__init__(request, settings, most, MISSING, clip_too_large)


def _broken() -> BadMedia:
    return BadMedia(
        "The upload is broken: the form in it ends early, or is not one. Send it again.", status=400
    )
