"""Metrics for Prometheus: requests by route, their duration, and jobs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/api/v1"
SHARED = "PROMETHEUS_MULTIPROC_DIR"
BOUNDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # seconds

# Otherwise every series gets a second one, with the time of its first count.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Number of requests by method, route and status, and their duration by route.

    Each application has its own registry, so that those of two in one process do not add up. Those
    of several web processes do (`PROMETHEUS_MULTIPROC_DIR`), whichever of them is asked.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "sightline_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "sightline_http_request_seconds",
            "Time until the last byte.",
            ("route",),
            buckets=BOUNDS,
            registry=self._registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one response."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, jobs: Iterable[tuple[str, str, int]]) -> bytes:
        """Return the metrics in Prometheus' text format; `jobs` are (queue, state, number)."""
        now = CollectorRegistry()  # a state that has no jobs any more must not keep its number
        gauge = Gauge(
            "sightline_jobs", "Jobs by queue and state.", ("queue", "state"), registry=now
        )
        for queue, state, number in jobs:
            gauge.labels(queue, state).set(number)
        return generate_latest(self._counted()) + generate_latest(now)

    def _counted(self) -> CollectorRegistry:
        if SHARED not in os.environ:
            return self._registry
        from prometheus_client.multiprocess import MultiProcessCollector

        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]
        return every


class CountRequests:
    """Counts responses by the template of their route, so that ids make no new series."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            seconds = time.perf_counter() - start
            self._metrics.count(scope["method"], _template(scope), status, seconds)


def _template(scope: Scope) -> str:
    """Return the template of the route; that of an included router lacks the prefix."""
    path = getattr(scope.get("route"), "path", "none")
    prefixed = scope["path"].startswith(API) and not path.startswith(API)
    return f"{API}{path}" if prefixed else str(path)
