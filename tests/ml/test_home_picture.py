"""The home page shows what a shipped model gives; else run `python -m tools.home_picture`."""

from __future__ import annotations

import json

import numpy as np

from tools.home_picture import STATIC, document


def test_the_stored_answer_and_maps_are_the_models() -> None:
    stored = json.loads((STATIC / "home.json").read_text(encoding="utf-8"))
    now = document()
    assert [stored[name] for name in ("model", "title", "answer")] == [
        now[name] for name in ("model", "title", "answer")
    ]
    assert abs(stored["probability"] - now["probability"]) < 0.005
    assert len(stored["maps"]) == len(now["maps"]) == 6
    for was, is_ in zip(stored["maps"], now["maps"], strict=True):
        assert [was[k] for k in ("method", "stage", "unit", "shape")] == [
            is_[k] for k in ("method", "stage", "unit", "shape")
        ]
        largest = np.abs(is_["values"]).max()
        np.testing.assert_allclose(was["values"], is_["values"], atol=0.02 * largest)
