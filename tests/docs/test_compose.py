"""docker-compose.yml starts a worker for every queue."""

from __future__ import annotations

import re
from pathlib import Path

from app.jobs.parameters import INFERENCE, PREPARATION, TRAINING

ROOT = Path(__file__).resolve().parents[2]


def test_every_queue_has_a_worker():
    compose = (ROOT / "docker-compose.yml").read_text()
    services = re.split(r"^  (?=[\w-]+:$)", compose, flags=re.MULTILINE)
    served = {
        service.partition(":")[0]: queue
        for service in services
        for queue in re.findall(r'"-Q", "([\w,]+)"', service)
    }
    for queue in (INFERENCE, TRAINING, PREPARATION):
        assert served[f"worker-{queue}"] == queue
