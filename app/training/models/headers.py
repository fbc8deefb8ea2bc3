"""Checks the header of a safetensors file; no tensor is loaded, and no torch."""

from __future__ import annotations

import re
from pathlib import Path

from safetensors import SafetensorError, safe_open

from app.core.errors import Unprocessable

MOST_HEADER = 4 * 1024 * 1024  # the library takes 100 MB
MOST_TENSORS = 4096
MOST_SIDES = 5  # of a 3D convolution's weights
NAME = re.compile(r"[A-Za-z0-9_]{1,64}(?:\.[A-Za-z0-9_]{1,64}){1,15}")
TYPES = {"F16", "F32", "BF16", "I64"}
NOT_ONE = "The checkpoint is not a safetensors file: {}."
PREFIX = "Error while deserializing header: "
MOST_REASON = 200  # characters: the library quotes the file


def check(path: Path) -> None:
    """Reject a file that is not safetensors with the tensors of a network.

    The library checks the format: the shapes fit the tensors' bytes, and these fill the file
    without gaps or overlaps.

    Raises:
        Unprocessable: The text says what is wrong.
    """
    _check_length(path)
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            if not 1 <= len(names) <= MOST_TENSORS:
                raise Unprocessable(NOT_ONE.format(f"it has {len(names)} tensors"))
            for name in names:
                tensor = file.get_slice(name)
                _check_tensor(name, tensor.get_dtype(), tensor.get_shape())
    except SafetensorError as error:
        reason = str(error).removeprefix(PREFIX)[:MOST_REASON]
        raise Unprocessable(NOT_ONE.format(reason)) from None


def _check_length(path: Path) -> None:
    """Reject a long header before it is read: its length is in the file's first 8 bytes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(MOST_HEADER, size - 8):
        raise Unprocessable(NOT_ONE.format("its header is missing or too long"))


def _check_tensor(name: str, kind: str, shape: list[int]) -> None:
    if not NAME.fullmatch(name):
        raise Unprocessable(
            f"The checkpoint has a tensor {name[:80]!r}, which no network here has."
        )
    if kind not in TYPES:
        raise Unprocessable(f"The checkpoint's {name} is of a type ({kind}) not used here.")
    if len(shape) > MOST_SIDES:
        raise Unprocessable(NOT_ONE.format(f"{name} has {len(shape)} dimensions"))
