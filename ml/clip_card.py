"""The fields of a clip model's card that a photo model's has not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ml.explain.methods import Needs, names
from ml.model_card import ModelCard
from ml.networks.attention.base import has_masks
from ml.networks.video.base import VIDEO_MODELS, VideoEntry


def clip_fields(about: ModelCard) -> dict[str, Any]:
    """Return the fields of a card that differ for clips, from the JSON of a checkpoint."""
    name = about.get("architecture", "two_stream")
    entry = VIDEO_MODELS[name]
    return {
        "media": "clip",
        "architecture": name,
        "architecture_title": entry.about.title,
        "architecture_summary": entry.about.summary,
        "architecture_paper": asdict(entry.about.paper) if entry.about.paper else None,
        "streams": list(entry.streams),
        "stages": _stages(entry, about),
        "methods": methods_of(entry, about),
        "flow_length": about.get("flow_length", 10),
        "fusion": about.get("fusion", "logits"),
        "weights": list(about.get("weights", (1.0, 1.5))),
        "consensus": about.get("consensus", "mean"),
    }


def methods_of(entry: VideoEntry, about: ModelCard) -> list[str]:
    """Return the methods that a model gives maps for."""
    fits: list[Needs] = ["gradients"]
    if _masked(about):
        fits.append("masks")
    if entry.rollout:
        fits.append("rollout")
    return names(*fits)


def _masked(about: ModelCard) -> bool:
    """Return true if any stream makes masks."""
    rgb, parameters = about["mechanism"], about.get("parameters", {})
    flow = about.get("flow_mechanism") or rgb
    of_flow = about.get("flow_parameters") or (parameters if flow == rgb else {})
    return has_masks(rgb, parameters) or has_masks(flow, of_flow)


def _stages(entry: VideoEntry, about: ModelCard) -> list[dict[str, Any]]:
    """Return the table's columns; masks are only at stages that have a mechanism."""
    masked = set(about["stages"]) if _masked(about) else set()
    return [
        {
            "stage": s.stage,
            "title": s.title,
            "layer": s.layer,
            "channels": s.channels,
            "grid_224": s.grid_224,
            "masks": s.stage in masked,
        }
        for s in entry.stages
    ]
