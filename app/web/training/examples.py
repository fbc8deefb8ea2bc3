"""Examples in the API's document, as a server gives them."""

from __future__ import annotations

from typing import Any

DATASET_ID = "5d41402abc4b2a76b9719d911017c592"
STUDY_ID = "7d793037a0760186574b0282f2f435e7"
RUN_ID = "9f86d081884c7d659a2feaa0c55ad015"
TRIAL_ID = "60303ae22b998861bce3b28f33eec1be"
API = "/api/v1"

STUDY_CREATE: dict[str, Any] = {
    "dataset_id": DATASET_ID,
    "mechanisms": ["plain", "l2pa"],
    "seeds": [0],
    "config": {"epochs": 2},
    "parameters": {"l2pa": {"dropout": 0.1}},
}
TRIAL_CREATE: dict[str, Any] = {
    "kind": "cost",
    "dataset_id": DATASET_ID,
    "mechanism": "l2pa",
    "config": {"epochs": 2},
}
TRIAL: dict[str, Any] = {
    "id": TRIAL_ID,
    "kind": "cost",
    "state": "succeeded",
    "progress": 1.0,
    "result": {
        "steps": 292,
        "seconds": 180.4,
        "seconds_per_step": 0.61,
        "images_per_s": 104.9,
        "disk_bytes": 61000000,
        "batch_size": 64,
    },
    "error": None,
    "detail": None,
    "links": {"self": f"{API}/trials/{TRIAL_ID}"},
}
RUN: dict[str, Any] = {
    "id": RUN_ID,
    "study_id": STUDY_ID,
    "mechanism": "l2pa",
    "title": "Learn to Pay Attention",
    "seed": 0,
    "position": 0,
    "state": "running",
    "progress": 0.41,
    "message": "Epoch 1 of 2",
    "error": None,
    "detail": None,
    "traceback": None,
    "step": 120,
    "steps": 292,
    "epoch": 0,
    "epochs": 2,
    "config": {"mechanism": "l2pa", "epochs": 2, "batch_size": 64, "lr": 0.00015, "seed": 0},
    "status": {
        "images_per_s": 104.9,
        "seconds_left": 105.0,
        "lr": 0.00012,
        "device": "cpu",
        "cpu_percent": 196.0,
        "memory_bytes": 912000000,
        "gpu_memory_bytes": None,
    },
    "summary": None,
    "worst": None,
    "worst_maps": None,
    "model_id": None,
    "attempts": 1,
    "created_at": "2026-05-04T09:30:00Z",
    "started_at": "2026-05-04T09:30:02Z",
    "finished_at": None,
    "links": {
        "self": f"{API}/training-runs/{RUN_ID}",
        "events": f"{API}/training-runs/{RUN_ID}/events",
        "metrics": f"{API}/training-runs/{RUN_ID}/metrics",
        "log": f"{API}/training-runs/{RUN_ID}/log",
        "checkpoint": f"{API}/training-runs/{RUN_ID}/checkpoint",
        "card": f"{API}/training-runs/{RUN_ID}/card",
        "study": f"{API}/studies/{STUDY_ID}",
    },
}
STUDY: dict[str, Any] = {
    "id": STUDY_ID,
    "name": "Imagenette: l2pa",
    "dataset": {"id": DATASET_ID, "name": "Imagenette", "val_images": 3925},
    "request": {"dataset_id": DATASET_ID, "mechanisms": ["l2pa"], "config": {"epochs": 2}},
    "probes": [0, 387],
    "created_at": "2026-05-04T09:30:00Z",
    "created_by": "admin",
    "revision": 42,
    "cursor": f"42;{RUN_ID}:120.0.1",
    "runs": [RUN],
    "links": {
        "self": f"{API}/studies/{STUDY_ID}",
        "events": f"{API}/studies/{STUDY_ID}/events",
        "page": f"/training/{STUDY_ID}",
    },
}
METRICS: dict[str, Any] = {
    "run_id": RUN_ID,
    "points": {
        "step": [1, 2],
        "loss": [2.31, 2.28],
        "accuracy": [0.09, 0.14],
        "lr": [0.00001, 0.00002],
        "images_per_s": [98.0, 103.5],
    },
    "epochs": [
        {
            "epoch": 1,
            "step": 146,
            "train_loss": 1.21,
            "train_accuracy": 0.72,
            "val_loss": 0.61,
            "val_accuracy": 0.91,
            "lr": 0.00012,
            "seconds": 95.2,
            "probes": {
                "attention": {"stages": {"early": [28, 28], "late": [7, 7]}, "unit": "share"}
            },
        }
    ],
    "last_step": 146,
}
CONFUSION: dict[str, Any] = {
    "epoch": 2,
    "classes": ["church", "tench"],
    "matrix": [[48, 2], [1, 49]],
    "per_class": [
        {"name": "church", "images": 50, "accuracy": 0.96},
        {"name": "tench", "images": 50, "accuracy": 0.98},
    ],
    "worst": [{"index": 17, "true": 0, "predicted": 1, "confidence": 0.97}],
}
