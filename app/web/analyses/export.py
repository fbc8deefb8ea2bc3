"""The export of an analysis: maps, numbers, predictions, photo, and how to repeat it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from app.core.csv_cells import cells
from app.storage.blobs import BlobStore
from app.web.analyses import schemas
from app.web.analyses.drawing import npy
from app.web.media.schemas import Media

README = """Sightline export

maps.npz          {maps}
numbers.csv       one line a map: layer, shape, range, sum, entropy, target
predictions.json  what each model says
manifest.json     checkpoints, versions, device, preprocessing: what the numbers depend on
request.json      POST it to /api/v1/analyses with the id of the uploaded file to make them again
{file}
{drawn}"""
ORIGINAL = "{name}  the {kind} as it was uploaded"
COPY = """{name}  a copy without the metadata of the upload, as others than its owner get it; the
                  numbers are those of the original"""
NO_COPY = "The {kind} is not here: no copy of it could be made for others than its owner."
DRAWN = (
    "drawn/            the maps over the photo, as the page showed them: `drawn` in the manifest\n"
)
MAPS = {
    "image": 'every map at its own grid, float16: numpy.load("maps.npz")["model/stage/method"]',
    "clip": "every map at its own grid, float16 [times, h, w], under model/stream/stage/method; "
    "times/model/stream/stage/method are its times in seconds",
}
FILES = {"image": "photo", "clip": "clip"}
CHUNK = 1 << 20
COLUMNS = (
    "model", "stage", "method", "stream", "time_s", "layer", "shape", "min", "max", "sum",
    "entropy", "target",
)  # fmt: skip


@dataclass(frozen=True)
class File:
    """The blob of the photo or clip, None if there is no copy; `original`: as it was uploaded."""

    key: str | None
    original: bool

    def words(self, kind: str, name: str) -> str:
        """Return what the README says of it."""
        said = NO_COPY if self.key is None else ORIGINAL if self.original else COPY
        return said.format(kind=kind, name=name)


@dataclass(frozen=True)
class Pictures:
    """Maps as PNG files, drawn as they are taken, and how: what the manifest says of them."""

    look: Mapping[str, Any]
    files: Iterator[tuple[str, bytes]]


class _Sink(io.RawIOBase):
    """Collects what a ZIP writer writes, so that it can be sent in parts."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def stream(
    blobs: BlobStore,
    analysis: schemas.Analysis,
    media: Media,
    file: File,
    maps: Sequence[tuple[schemas.Heatmap, str]],
    pictures: Pictures | None = None,
) -> Iterator[bytes]:
    """Yield the ZIP file; `maps` are records with their blobs. It is never in memory as a whole."""
    sink = _Sink()
    name_of_file = f"{FILES[media.kind]}/{media.filename}"
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        look = pictures.look if pictures else None
        records = [record for record, _ in maps]
        for name, content in _texts(analysis, media, records, (name_of_file, file), look):
            archive.writestr(name, content)
        yield sink.take()
        archive.writestr(_stored("maps.npz"), npz(blobs, maps))
        yield sink.take()
        if file.key is not None:
            with (
                blobs.path(file.key).open("rb") as source,
                archive.open(_stored(name_of_file), "w", force_zip64=True) as copy,
            ):
                while chunk := source.read(CHUNK):
                    copy.write(chunk)
                    yield sink.take()
        for name, drawn in pictures.files if pictures else ():
            archive.writestr(_stored(name), drawn)
            yield sink.take()
    yield sink.take()


def _stored(name: str) -> zipfile.ZipInfo:
    """Return an entry that is not compressed again."""
    now = datetime.now(UTC)
    return zipfile.ZipInfo(name, (now.year, now.month, now.day, now.hour, now.minute, now.second))


def _texts(
    analysis: schemas.Analysis,
    media: Media,
    records: Sequence[schemas.Heatmap],
    named: tuple[str, File],
    look: Mapping[str, Any] | None,
) -> Iterator[tuple[str, str]]:
    body = analysis.model_dump(mode="json")
    kind, (name, file) = FILES[media.kind], named
    words = file.words(kind, name)
    yield (
        "README.txt",
        README.format(file=words, maps=MAPS[media.kind], drawn=DRAWN if look else ""),
    )
    yield "request.json", _json(body["request"])
    yield "predictions.json", _json(body["predictions"])
    yield "numbers.csv", _numbers(records)
    manifest = {
        "format": "sightline-export/1",
        "analysis": {key: body[key] for key in ("id", "created_at", "finished_at", "stored")},
        "request": body["request"],
        kind: {
            **media.model_dump(mode="json", exclude={"links", "stored"}),
            "file": None if file.key is None else name,
            **({} if file.original else {"copy": True}),
        },
        "provenance": body["provenance"],
        "maps": _ids(records),
        **({"drawn": look} if look else {}),
    }
    yield "manifest.json", _json(manifest)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _numbers(records: Sequence[schemas.Heatmap]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for record in records:
        values = record.model_dump(include=set(COLUMNS))
        values["shape"] = "x".join(map(str, record.shape))
        writer.writerow(cells(values[column] for column in COLUMNS))
    return text.getvalue()


def _ids(records: Sequence[schemas.Heatmap]) -> dict[str, Any]:
    """Return each array's map, or its maps in the order of their times."""
    ids: dict[str, Any] = {}
    for record in records:
        if record.frame < 0:
            ids[_key(record)] = record.id
        else:
            ids.setdefault(_key(record), []).append(record.id)
    return ids


def npz(blobs: BlobStore, maps: Sequence[tuple[schemas.Heatmap, str]]) -> bytes:
    """Return an NPZ: a ZIP of the NPY files as they are stored."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for blob_key, same in groupby(maps, key=itemgetter(1)):
            records = [record for record, _ in same]
            name = f"{_key(records[0])}.npy"
            archive.writestr(name, blobs.get(blob_key))
            if records[0].frame >= 0:
                archive.writestr(f"times/{name}", _times(records))
    return target.getvalue()


def _times(records: Sequence[schemas.Heatmap]) -> bytes:
    """Return the NPY file of the maps' times, float64 [times], in seconds."""
    return npy.dump(np.array([record.time_s or 0.0 for record in records], dtype="<f8"))


def _key(record: schemas.Heatmap) -> str:
    stream = [record.stream] if record.frame >= 0 else []
    return "/".join([record.model, *stream, record.stage, record.method])
