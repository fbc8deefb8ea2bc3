"""The files of static/, under an address with a hash of them all, and plotly's own script.

The hash stands in the path, not in the file's name: relative imports between the files keep
working, and all of them can be cached for ever. It follows the files while one edits them.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from app.core.errors import NotFound
from app.web.http.caching import IMMUTABLE, REVALIDATE, reply

PREFIX = "/static"
TEXT = {".css", ".js", ".json", ".svg", ".html", ".txt"}
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/webp", ".webp")


@dataclass(frozen=True)
class File:
    """A file in memory; `packed` is its gzip form where that is worth having."""

    content: bytes
    packed: bytes | None
    etag: str
    media_type: str


class Static:
    """Serves one folder from memory. Links that lead out of it are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._listing: tuple[tuple[str, int, int], ...] = ()
        self._files: dict[str, File] = {}
        self.digest = ""
        self.refresh()

    def refresh(self) -> None:
        """Look for changes: one `stat` a file, nothing read while nothing changed."""
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

    def url(self, name: str) -> str:
        """Return the address of a file, for templates; KeyError where there is none."""
        if name not in self._files:
            self.refresh()
        assert name in self._files, f"static/{name} does not exist"
        return f"{PREFIX}/{self.digest}/{name}"

    def response(self, path: str, request: Request) -> Response:
        """Serve `HASH/name` for ever, `name` (or an older hash) with revalidation."""
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
    """Whether the client takes gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


def _load(path: Path) -> File:
    content = path.read_bytes()
    packed = gzip.compress(content, mtime=0) if path.suffix in TEXT and len(content) > 512 else None
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(content, packed, hashlib.sha256(content).hexdigest()[:20], media_type)


@cache
def plotly_version() -> str:
    """Version of the installed plotly package."""
    return version("plotly")


def vendor_url(name: str) -> str:
    """Return the address of a script that a Python package carries."""
    return f"/vendor/{PurePosixPath(name).name}?v={plotly_version()}"


def plotly_response(request: Request, cache_dir: Path) -> Response:
    """Serve plotly.min.js from the plotly package, which is found without importing it."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise NotFound("The plotly package is not installed on this server.")
    source = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    fixed = request.query_params.get("v") == plotly_version()
    headers = {
        "Cache-Control": f"public, {IMMUTABLE if fixed else REVALIDATE}",
        "Vary": "Accept-Encoding",
    }
    if accepts_gzip(request):
        source = _packed(source, cache_dir)
        headers["Content-Encoding"] = "gzip"
    return FileResponse(source, headers=headers, media_type="text/javascript")


def _packed(source: Path, cache_dir: Path) -> Path:
    """Return the gzip form, made once for each version of the package."""
    target = cache_dir / f"plotly-{plotly_version()}.min.js.gz"
    if not target.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(f".{id(source)}.part")
        temporary.write_bytes(gzip.compress(source.read_bytes(), mtime=0))
        temporary.replace(target)
    return target
