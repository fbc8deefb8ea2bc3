"""Headers of imported checkpoints: what safetensors refuses, and what no network here has."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from app.core.errors import Unprocessable
from app.training.models import headers


def tensors(header: Any, size: int) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


ONE = {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "missing or too long"),
        (struct.pack("<Q", 2**60) + b"{}", "missing or too long"),
        (struct.pack("<Q", headers.MOST_HEADER + 1) + bytes(headers.MOST_HEADER + 1), "too long"),
        (tensors([], 0), "invalid JSON"),
        (struct.pack("<Q", 100_000) + b"[" * 100_000, "invalid JSON"),
        (struct.pack("<Q", 100_000) + b'{"a":' * 20_000, "invalid JSON"),
        (tensors({}, 0), "0 tensors"),
        (
            tensors(
                {f"a.b{n}": {**ONE, "shape": [0], "data_offsets": [0, 0]} for n in range(4097)}, 0
            ),
            "4097 tensors",
        ),
        (tensors({"../weights": ONE}, 12), "no network here has"),
        (tensors({"a" * 10_000: ONE}, 12), "no network here has"),
        (tensors({"features.0": {**ONE, "dtype": "U8", "shape": [3, 4]}}, 12), "type"),
        (tensors({"features.0": {**ONE, "dtype": "x" * 10_000}}, 12), "^.{,300}$"),
        (tensors({"features.0": {**ONE, "dtype": ["F16"]}}, 12), "invalid type"),
        (tensors({"features.0": {**ONE, "shape": [2, 1, 1, 1, 1, 3]}}, 12), "6 dimensions"),
        (tensors({"features.0": {**ONE, "shape": [2, 4]}}, 12), "invalid shape"),
        (tensors({"features.0": {**ONE, "shape": [2, -3]}}, 12), "-3"),
        (tensors({"features.0": {**ONE, "shape": [2**62, 2**62]}}, 12), "overflow"),
        (tensors({"features.0": {"dtype": "F16"}}, 12), "missing field"),
        (tensors({"features.0": ONE}, 13), "not fully covered"),
        (tensors({"features.0": ONE}, 11), "not fully covered"),
        (tensors({"features.0": ONE, "features.1": ONE}, 12), "invalid offset"),
        (tensors({"a.0": ONE, "a.1": {**ONE, "data_offsets": [13, 25]}}, 25), "invalid offset"),
    ],
)
def test_headers_are_held_to_the_format(tmp_path, content: bytes, part: str):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(Unprocessable, match=part):
        headers.check(path)


def test_a_good_header_passes(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(tensors({"features.0.weight": ONE, "__metadata__": {"a": "b"}}, 12))
    headers.check(path)
