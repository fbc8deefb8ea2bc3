"""Examples for the OpenAPI document; a test holds each to its schema."""

from __future__ import annotations

from typing import Any

MEDIA_ID = "3f6c0a1e5b7d49c28e10f4a2b6d8c9e7"
ANALYSIS_ID = "9b1d7e24c0a34f6f8a52d3e1b7c4f680"
HEATMAP_ID = "c47a5d90e1b2463f9d08a6f2e35b7c18"
SHA256 = "6d1e9b0f0c6a5d4e3f2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0908f7e6d5"
NPY_SHA256 = "0a9f3b77c58e4d21b6e0f5c4d3a2918076f5e4d3c2b1a0f9e8d7c6b5a4938271"
API = "/api/v1"

ERROR: dict[str, Any] = {
    "error": "not_found",
    "detail": "There is no analysis with this id. It may have been deleted.",
}

MEDIA: dict[str, Any] = {
    "id": MEDIA_ID,
    "kind": "image",
    "filename": "parachute.jpg",
    "format": "JPEG",
    "content_type": "image/jpeg",
    "width": 1500,
    "height": 1000,
    "frames": 1,
    "fps": None,
    "duration_s": None,
    "bytes": 241532,
    "sha256": SHA256,
    "note": None,
    "codec": None,
    "playable": None,
    "created_at": "2026-01-15T09:30:00Z",
    "stored": False,
    "links": {
        "self": f"{API}/media/{MEDIA_ID}",
        "content": f"{API}/media/{MEDIA_ID}/content",
        "view": f"{API}/media/{MEDIA_ID}/view",
    },
}

ANALYSIS_CREATE: dict[str, Any] = {
    "media_id": MEDIA_ID,
    "models": ["plain", "gated", "cbam"],
    "methods": ["attention", "gradcam"],
    "target": "parachute",
    "input_size": 224,
    "fit": "shape",
}

ANALYSIS: dict[str, Any] = {
    "id": ANALYSIS_ID,
    "media_id": MEDIA_ID,
    "state": "running",
    "progress": 0.33,
    "message": "Explaining gated",
    "revision": 3,
    "error": None,
    "detail": None,
    "stored": False,
    "request": ANALYSIS_CREATE,
    "predictions": {
        "plain": {
            "top": [
                {"index": 9, "name": "parachute", "probability": 0.982, "logit": 8.41},
                {"index": 8, "name": "golf ball", "probability": 0.004, "logit": 5.66},
                {"index": 7, "name": "gas pump", "probability": 0.003, "logit": 5.51},
                {"index": 4, "name": "church", "probability": 0.003, "logit": 5.51},
                {"index": 0, "name": "tench", "probability": 0.002, "logit": 5.31},
            ],
            "abstained": False,
            "in_domain": 0.997,
            "target": {"index": 9, "name": "parachute", "probability": 0.982, "logit": 8.41},
            "seconds": 0.041,
        }
    },
    "problems": {},
    "provenance": None,
    "created_at": "2026-01-15T09:30:02Z",
    "started_at": "2026-01-15T09:30:02Z",
    "finished_at": None,
    "links": {
        "self": f"{API}/analyses/{ANALYSIS_ID}",
        "heatmaps": f"{API}/analyses/{ANALYSIS_ID}/heatmaps",
        "events": f"{API}/analyses/{ANALYSIS_ID}/events",
        "media": f"{API}/media/{MEDIA_ID}",
        "view": f"{API}/media/{MEDIA_ID}/view",
        "page": f"/analyses/{ANALYSIS_ID}",
        "figure_png": f"{API}/analyses/{ANALYSIS_ID}/figure.png",
        "figure_svg": f"{API}/analyses/{ANALYSIS_ID}/figure.svg",
        "figure_pdf": f"{API}/analyses/{ANALYSIS_ID}/figure.pdf",
        "export": f"{API}/analyses/{ANALYSIS_ID}/export.zip",
    },
}

LISTED_ANALYSIS: dict[str, Any] = {
    "id": ANALYSIS_ID,
    "media_id": MEDIA_ID,
    "kind": "image",
    "filename": "parachute.jpg",
    "state": "succeeded",
    "progress": 1.0,
    "answer": {
        "model": "plain",
        "name": "parachute",
        "probability": 0.982,
        "abstained": False,
    },
    "created_at": "2026-01-15T09:30:02Z",
    "links": {
        "self": f"{API}/analyses/{ANALYSIS_ID}",
        "view": f"{API}/media/{MEDIA_ID}/view",
        "page": f"/analyses/{ANALYSIS_ID}",
    },
}

HEATMAP: dict[str, Any] = {
    "id": HEATMAP_ID,
    "analysis_id": ANALYSIS_ID,
    "model": "gated",
    "stage": "late",
    "method": "attention",
    "unit": "share",
    "stream": "rgb",
    "time_s": None,
    "frame": -1,
    "layer": "features.17",
    "shape": [2, 2],
    "min": 0.05,
    "max": 0.5,
    "sum": 1.0,
    "entropy": 1.72,
    "target": None,
    "evidence": {
        "target": "church",
        "if_even": {"probability_change": -0.31, "answer_changed": False},
        "if_blob": {"probability_change": -0.12, "answer_changed": False},
    },
    "links": {
        "self": f"{API}/heatmaps/{HEATMAP_ID}",
        "npy": f"{API}/heatmaps/{HEATMAP_ID}.npy",
        "png": f"{API}/heatmaps/{HEATMAP_ID}.png",
    },
}

HEATMAP_WITH_VALUES: dict[str, Any] = {**HEATMAP, "values": [[0.05, 0.2], [0.25, 0.5]]}

MODEL: dict[str, Any] = {
    "id": "gated",
    "position": 2,
    "title": "Gated attention",
    "mechanism": "gated",
    "mask_range": "distribution",
    "paper": {
        "title": "Attention-Gated Networks for Improving Ultrasound Scan Plane Detection",
        "authors": "Schlemper et al.",
        "year": 2018,
        "url": "https://arxiv.org/abs/1804.05338",
    },
    "summary": "A gate at each stage asks the pooled late features where to look.",
    "note": None,
    "equation": r"q = \psi(\mathrm{ReLU}(\theta(x) + \phi(g)))",
    "parameters": {"normalise": "mean_flow", "aggregate": "concat"},
    "stages": [{"stage": "late", "layer": "features.17", "channels": 320, "grid_224": [7, 7]}],
    "classes": ["tench", "English springer", "cassette player", "chain saw", "church"],
    "input_size": 224,
    "methods": ["attention", "gradcam"],
    "head": "imagenette",
    "default": True,
    "metrics": {
        "accuracy": 0.981,
        "loss": 0.07,
        "images": 3791,
        "interval": [0.9762, 0.9849],
    },
    "curves": [
        {
            "epoch": 1,
            "train_loss": 0.61,
            "train_accuracy": 0.94,
            "val_loss": 0.52,
            "val_accuracy": 0.976,
            "lr": 0.001,
            "seconds": 118.0,
        }
    ],
    "localisation": [
        {
            "stage": "late",
            "method": "attention",
            "hit_all": 0.86,
            "hit_small": 0.61,
            "centre_all": 0.8,
            "centre_small": 0.46,
        }
    ],
    "training": {"data": "imagenette160", "seed": 0, "epochs": 12},
    "weights_origin": "ImageNet-1k MobileNetV2",
    "licence": "Apache-2.0",
    "checkpoint": {"sha256": SHA256, "bytes": 4812345},
    "calibration": {
        "temperature": 0.5,
        "ece_before": 0.13,
        "ece_after": 0.011,
        "count": 2000,
        "data": "imagenette160",
        "seed": 0,
        "domain": {
            "rule": "imagenet_mass + energy",
            "threshold": 0.54,
            "scale": 1.05,
            "auroc": 0.979,
            "auroc_interval": [0.969, 0.988],
            "abstains_inside": 0.05,
            "abstains_outside": 0.88,
            "others": 200,
            "others_data": "photos + clips",
        },
    },
}
