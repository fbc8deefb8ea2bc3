"""The parts of the check, each a module; one that fails does not stop the others."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import torch

from bench.gpu.setup import Line, Result, Setup

PARTS = {
    "maps": "Maps against the CPU's",
    "speed": "The table, and images a second",
    "training": "A training epoch",
    "resume": "A run that is killed and resumed",
    "worker": "A server's worker",
}


def module(name: str) -> Any:
    """Return a part's module, with `measure` and `lines`; each needs only its own packages."""
    return importlib.import_module(f"bench.gpu.{name}")


def measure(setup: Setup, names: Sequence[str]) -> Result:
    """Return what the parts found, as JSON; `failed` with the reason for one that raised."""
    found: Result = {}
    for name in names:
        began = time.perf_counter()
        try:
            found[name] = module(name).measure(setup)
        except Exception as error:  # noqa: BLE001 (whatever it is, the others are still worth it)
            traceback.print_exc()
            found[name] = {"failed": f"{type(error).__name__}: {error}"}
        print(f"{PARTS[name]} ({time.perf_counter() - began:.0f} s)", flush=True)
        for line in lines({name: found[name]}):
            print(f"  {line.what}: {line.measured}", flush=True)
    return {"about": about(setup.device), "parts": found}


def lines(found: Result) -> list[Line]:
    """Return the lines of the table."""
    every: list[Line] = []
    for name, result in found.items():
        if "failed" in result:
            every.append(Line(PARTS[name], f"failed: {result['failed']}", "it runs", met=False))
        else:
            every += module(name).lines(result)
    return every


def about(device: str) -> Result:
    """Return the device's name, the date and the versions."""
    facts: Result = {"name": "CPU", "memory_gib": 0}
    if device.startswith("cuda"):
        card = torch.cuda.get_device_properties(device)
        facts = {"name": card.name, "memory_gib": round(card.total_memory / 2**30)}
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    return {**facts, "date": today, "torch": torch.__version__, "cuda": torch.version.cuda}
