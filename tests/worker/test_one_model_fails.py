"""A damaged model is refused at its import; where one gets in, it loses its own row only."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.db import analyses as rows
from app.training.models import importing
from ml import checkpoint as checkpoints
from ml.catalogue import SHIPPED, CatalogueEntry
from tests.support import clip_models as clips
from tests.support.backend import Server, photo, wait_for
from tests.support.training import has_form, import_model

WEIGHT = "mechanism.classifier.1.weight"


def spoilt(folder: Path, name: str, value: float = float("nan"), **changes: Any) -> Path:
    """The shipped plain model with one weight of this value, and a card with these changes."""
    state = load_file(SHIPPED / "plain.safetensors")
    state[WEIGHT] = state[WEIGHT].clone()
    state[WEIGHT][0, 0] = value
    path = folder / f"{name}.safetensors"
    save_file(state, path)
    raw = path.read_bytes()
    about = json.loads((SHIPPED / "plain.json").read_text()) | changes
    about["checkpoint"] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
    path.with_suffix(".json").write_text(json.dumps(about))
    return path


def got_in(server: Server, folder: Path, name: str) -> str:
    """Put a damaged model among the others, as an import of an earlier version did."""
    entry = CatalogueEntry.of(checkpoints.read(spoilt(folder, name)), name, position=400)
    return clips.put(server, entry)


@pytest.mark.parametrize(
    ("changes", "value", "part"),
    [
        ({}, float("nan"), "not finite"),
        ({}, float("inf"), "not finite"),
        ({"mechanism": "cbam", "parameters": {"hidden_floor": 10**9}}, 0.0, "does not fit"),
        ({"mechanism": "cbam", "parameters": {"reduction": 0}}, 0.0, "cannot be built"),
    ],
)
def test_an_import_that_cannot_answer_is_refused(
    local_server: Server, tmp_path: Path, changes: dict[str, Any], value: float, part: str
) -> None:
    server = local_server
    wait_for(lambda: has_form(server))
    path, kept = spoilt(tmp_path, "m", value, **changes), set(server.blobs.keys("models"))
    with pytest.raises(importing.Unprocessable, match=part):
        import_model(server, path.read_bytes(), path.with_suffix(".json").read_bytes())
    assert set(server.blobs.keys("models")) == kept


def test_a_model_that_answers_nan_loses_its_own_row_only(server: Server, tmp_path: Path) -> None:
    bad, media_id = got_in(server, tmp_path, "damaged"), server.add_photo(photo())
    alone = server.ask(media_id, models=["gated"])
    among = server.ask(media_id, models=[bad, "gated", "nowhere"])
    assert server.wait(among).state == "succeeded"
    assert server.wait(alone).state == "succeeded"
    assert server.result(among) == server.result(alone)
    with server.readers() as session:
        analysis = rows.get(session, among)
    assert analysis is not None
    assert analysis.problems is not None
    assert {m: p["error"] for m, p in analysis.problems.items()} == {
        bad: "unprocessable",
        "nowhere": "not_found",
    }
    assert "not finite" in analysis.problems[bad]["detail"]
    assert analysis.provenance is not None
    assert set(analysis.provenance["checkpoints"]) == {"gated"}


def test_an_analysis_in_which_every_model_fails_has_failed(
    local_server: Server, tmp_path: Path
) -> None:
    server = local_server
    bad = got_in(server, tmp_path, "damaged-too")
    job = server.wait(server.ask(server.add_photo(photo()), models=["nowhere", bad]))
    assert (job.state, job.error) == ("failed", "unprocessable")
    assert "not finite" in (job.detail or "")


def test_a_damaged_network_of_1000_classes_tells_nothing_about_others() -> None:
    from ml.explain.certainty import ImageNet
    from ml.explain.results import LoadedModel
    from ml.networks.network import NetworkSpec, build_network
    from ml.networks.video.types import Sampled
    from tests.support.networks import NARROW

    network = build_network(NetworkSpec(num_classes=3, backbone=NARROW)).eval()
    with torch.no_grad():
        next(network.parameters())[:] = float("nan")
    sampled = Sampled.of_photo(torch.zeros(32, 32, 3, dtype=torch.uint8).numpy())
    model = LoadedModel("x", network, ("a", "b", "c"))
    assert ImageNet("x", lambda: model, sampled).logits() is None
