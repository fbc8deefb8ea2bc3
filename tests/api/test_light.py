"""The web process stays light: what it imports, how soon it answers, how much it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("celery", "matplotlib", "torch")
PROBE = """
import json, resource, sys, time
start = time.perf_counter()
from app.core.settings import Settings
from app.main import create_app
app = create_app(Settings(home=sys.argv[1]))
app.openapi()
seconds = time.perf_counter() - start
resident = next(int(l.split()[1]) / 1024 for l in open("/proc/self/status") if l[:6] == "VmRSS:")
print(json.dumps({"seconds": seconds, "mb": resident, "modules": sorted(sys.modules)}))
"""


def test_it_imports_nothing_heavy_and_is_small(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROBE, str(tmp_path)]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert not set(HEAVY) & {name.split(".")[0] for name in result["modules"]}
    assert result["mb"] < 130
