"""Reading what a safetensors file says of itself, without loading a tensor and without torch.

The file is 8 bytes with the length of a JSON header, the header, and the tensors' bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

from app.core.errors import Unprocessable

MOST_HEADER = 4 * 1024 * 1024
MOST_TENSORS = 4096
NAME = re.compile(r"[A-Za-z0-9_]{1,64}(?:\.[A-Za-z0-9_]{1,64}){1,15}")
SIZES = {"F16": 2, "F32": 4, "BF16": 2, "I64": 8}
NOT_ONE = "The checkpoint is not a safetensors file: {}."


def check(path: Path) -> None:
    """Refuse a file that is not safetensors with the tensors of a network; Unprocessable."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= min(MOST_HEADER, size - 8):
            raise Unprocessable(NOT_ONE.format("its header is missing or too long"))
        header = _json(file.read(length))
    header.pop("__metadata__", None)
    if not 1 <= len(header) <= MOST_TENSORS:
        raise Unprocessable(NOT_ONE.format(f"it has {len(header)} tensors"))
    spans = [_span(name, said) for name, said in header.items()]
    _fill(spans, size - 8 - length)


def _json(data: bytes) -> dict[str, Any]:
    try:
        header = json.loads(data)
    except (ValueError, RecursionError):
        raise Unprocessable(NOT_ONE.format("its header is not JSON")) from None
    if not isinstance(header, dict):
        raise Unprocessable(NOT_ONE.format("its header is not an object"))
    return header


def _span(name: str, said: Any) -> tuple[int, int]:
    """Return where a tensor's bytes lie, once its name, type, shape and length are right."""
    if not NAME.fullmatch(name):
        raise Unprocessable(
            f"The checkpoint has a tensor {name[:80]!r}, which no network here has."
        )
    try:
        kind, shape, (begin, end) = said["dtype"], said["shape"], said["data_offsets"]
        whole = all(type(number) is int and number >= 0 for number in (*shape, begin, end))
    except (TypeError, KeyError, ValueError):
        raise Unprocessable(NOT_ONE.format(f"what it says of {name} cannot be read")) from None
    if kind not in SIZES:
        raise Unprocessable(f"The checkpoint's {name} is of a type ({kind!s:.20}) not used here.")
    if not whole or len(shape) > 5 or end - begin != prod(shape) * SIZES[kind]:
        raise Unprocessable(NOT_ONE.format(f"the shape of {name} does not fit its bytes"))
    return begin, end


def _fill(spans: Iterable[tuple[int, int]], size: int) -> None:
    """Unprocessable unless the tensors fill the file without gaps or overlaps."""
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise Unprocessable(NOT_ONE.format("its tensors overlap or leave gaps"))
        at = end
    if at != size:
        raise Unprocessable(NOT_ONE.format("it ends early or goes on after its tensors"))
