"""What a card says of a model of clips, beyond what it says of any model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ml.networks.video.base import VIDEO_MODELS, VideoEntry
from ml.networks.video.consensus import CONSENSUS
from ml.networks.video.fusion import FUSIONS


def clip_fields(about: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a card that differ for clips, by the JSON of a checkpoint."""
    name = about.get("architecture", "two_stream")
    entry = VIDEO_MODELS[name]
    return {
        "media": "clip",
        "head": "clips",
        "default": True,
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


def methods_of(entry: VideoEntry, about: Mapping[str, Any]) -> list[str]:
    """Which methods a model gives maps for: learnt masks first, then Grad-CAM."""
    mechanisms = {about["mechanism"], about.get("flow_mechanism") or about["mechanism"]}
    masks = ["attention"] if mechanisms != {"plain"} else []
    order = ("gradcam", "rollout")
    known = sorted(entry.methods, key=lambda m: (m not in order, m != "gradcam", m))
    return masks + known


def _stages(entry: VideoEntry, about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The table's columns. With a mechanism on fewer stages, masks are only there."""
    masked = set(about["stages"])
    return [
        {
            "stage": s.stage,
            "title": s.title,
            "layer": s.layer,
            "channels": s.channels,
            "grid_224": s.grid_224,
            "masks": s.stage in masked and about["mechanism"] != "plain",
        }
        for s in entry.stages
    ]


def video_form() -> dict[str, Any]:
    """What a form can offer: architectures, consensus rules and fusion rules, with words."""
    return {
        "architectures": [
            {
                "name": name,
                "title": entry.about.title,
                "summary": entry.about.summary,
                "paper": asdict(entry.about.paper) if entry.about.paper else None,
                "streams": list(entry.streams),
                "stages": [asdict(stage) for stage in entry.stages],
                "methods": list(entry.methods),
                "mechanisms": list(entry.mechanisms),
                "imagenet": entry.imagenet,
            }
            for name, entry in VIDEO_MODELS.items()
        ],
        "consensus": [
            {"name": name, "title": entry.about.title, "summary": entry.about.summary}
            for name, entry in CONSENSUS.items()
        ],
        "fusions": [
            {"name": name, "title": rule.title, "summary": rule.summary}
            for name, rule in FUSIONS.items()
        ],
    }
