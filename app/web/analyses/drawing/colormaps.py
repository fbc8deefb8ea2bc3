"""The colour lookup tables of `static/colormaps.json` (made by `tools/make_colormaps.py`)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

ROOT = Path(__file__).resolve().parents[4]
DEFAULT = "inferno"


@dataclass(frozen=True)
class Table:
    """One colormap: `rgb` holds 256 colours of three bytes."""

    name: str
    title: str
    diverging: bool
    rgb: bytes


@cache
def tables() -> dict[str, Table]:
    """Return every colormap by name, in the order they are offered."""
    document = json.loads((ROOT / "static" / "colormaps.json").read_text(encoding="utf-8"))
    return {
        name: Table(name, entry["title"], entry["kind"] == "diverging", _decode(entry["rgb"]))
        for name, entry in document["maps"].items()
    }


def _decode(text: str) -> bytes:
    rgb = base64.b64decode(text)
    assert len(rgb) == 3 * 256, "a lookup table has 256 colours"
    return rgb


def known_colormap(name: str) -> str:
    """Return the name; ValueError where there is no such table."""
    if name not in tables():
        raise ValueError(f"there is no {name}; there are {', '.join(tables())}")
    return name


Colormap = Annotated[
    str,
    AfterValidator(known_colormap),
    WithJsonSchema({"type": "string", "enum": list(tables())}),
]
