"""A server whose worker has the device: two analyses, and what they say they ran on."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from bench.gpu.setup import Line, Result, Setup
from bench.server import EXAMPLES, analyse, sightline


def measure(setup: Setup) -> Result:
    """Return the device and the compute time of a photo's analysis by a warm worker."""
    more = {"models": ["l2pa"], "input_size": 96} if setup.tiny else {}
    with (
        sightline(setup.folder / "home", SIGHTLINE_DEVICE=setup.device) as served,
        httpx.Client(base_url=served.url, timeout=60) as client,
    ):
        analyse(client, EXAMPLES / "church.jpg", **more)  # loads the models
        analysis = analyse(client, EXAMPLES / "golf-ball.jpg", **more)
    first = next(iter(analysis["predictions"].values()))
    return {
        "asked_for": setup.device,
        "device": analysis["provenance"]["device"],
        "rows": len(analysis["predictions"]),
        "answer": first["top"][0]["name"],
        "compute_seconds": sum(p["seconds"] for p in analysis["predictions"].values()),
    }


def lines(result: Result) -> Iterator[Line]:
    """Yield the one line."""
    met = result["device"] == result["asked_for"] and result["answer"] == "golf ball"
    yield Line(
        f"A server's worker with SIGHTLINE_DEVICE={result['asked_for']}, a photo, "
        f"{result['rows']} rows",
        f'"{result["answer"]}" on {result["device"]}, '
        f"{1000 * result['compute_seconds']:.0f} ms of compute",
        f"a golf ball, on {result['asked_for']}",
        met,
    )
