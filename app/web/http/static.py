"""The files of static/, under an address with a hash of all of them.

The hash is in the path and not in the file names, so that relative imports work while all files
can be cached for ever. It changes when a file is edited.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.web.http.caching import IMMUTABLE, REVALIDATE, reply

PREFIX = "/static"
EXAMPLES = "examples/"
TEXT = {".css", ".js", ".json", ".svg", ".html", ".txt"}
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/webp", ".webp")


@dataclass(frozen=True)
class File:
    """A file in memory; `packed` is its gzip form, or None if that saves nothing."""

    content: bytes
    packed: bytes | None
    etag: str
    media_type: str


class Static:
    """Serves a folder from memory; other paths do not exist."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._listing: tuple[tuple[str, int, int], ...] = ()
        self._files: dict[str, File] = {}
        self.digest = ""
        self.refresh()

    def refresh(self) -> None:
        """Read the files again if one has changed, which one `stat` for each shows."""
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        listing = tuple(
            (path.relative_to(self.root).as_posix(), facts.st_mtime_ns, facts.st_size)
            for path, facts in ((path, path.stat()) for path in paths)
        )
        if listing != self._listing:
            self._files = {name: _load(self.root / name) for name, *_ in listing}
            parts = "".join(f"{name}{file.etag}" for name, file in self._files.items())
            self.digest = hashlib.sha256(parts.encode()).hexdigest()[:12]
            self._listing = listing

    def has_example(self, sha256: str) -> bool:
        """Whether a file with this hash is one of the home page's examples, which are public."""
        return any(
            sha256.startswith(file.etag)
            for name, file in self._files.items()
            if name.startswith(EXAMPLES)
        )

    def url(self, name: str) -> str:
        """Return the address of a file, for templates."""
        if name not in self._files:
            self.refresh()
        assert name in self._files, f"static/{name} does not exist"
        return f"{PREFIX}/{self.digest}/{name}"

    def response(self, path: str, request: Request) -> Response:
        """Return a file: cached for ever under the present hash, revalidated otherwise."""
        head, _, rest = path.partition("/")
        known = path if path in self._files else rest
        file = self._files.get(known)
        if file is None:
            raise NotFound
        cache_control = f"public, {IMMUTABLE if head == self.digest else REVALIDATE}"
        headers = {"Cache-Control": cache_control, "Vary": "Accept-Encoding"}
        return _send(file, headers, request)


def _send(file: File, headers: dict[str, str], request: Request) -> Response:
    content = file.content
    etag = file.etag
    if file.packed is not None and accepts_gzip(request):
        content, etag = file.packed, f"{file.etag}-gzip"
        headers["Content-Encoding"] = "gzip"
    return reply(request, content, file.media_type, etag=etag, headers=headers)


def accepts_gzip(request: Request) -> bool:
    """Return True if the client accepts gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


def _load(path: Path) -> File:
    content = path.read_bytes()
    packed = gzip.compress(content, mtime=0) if path.suffix in TEXT and len(content) > 512 else None
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(content, packed, hashlib.sha256(content).hexdigest()[:20], media_type)
