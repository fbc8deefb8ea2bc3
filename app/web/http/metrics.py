"""Counts for Prometheus. Counting is a dictionary; the library is imported when somebody asks."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from prometheus_client.core import Metric

API = "/api/v1"
BOUNDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # seconds
Jobs = Iterable[tuple[str, str, int]]


class Metrics:
    """Requests by method, route and status, and how long they took by route."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._times: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; called in the event loop only."""
        self._requests[method, route, str(status)] += 1
        self._times[route][bisect_left(BOUNDS, seconds)] += 1
        self._seconds[route] += seconds

    def text(self, jobs: Jobs) -> bytes:
        """Return the exposition format; `jobs` are (queue, state, number)."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(_Snapshot([self._answers(), self._durations(), _jobs(jobs)]))
        return generate_latest(registry)

    def _answers(self) -> Metric:
        from prometheus_client.core import CounterMetricFamily

        labels = ("method", "route", "status")
        family = CounterMetricFamily("sightline_http_requests", "Requests answered.", labels=labels)
        for names, number in list(self._requests.items()):
            family.add_metric(names, number)
        return family

    def _durations(self) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(
            "sightline_http_request_seconds", "Time until the last byte.", labels=("route",)
        )
        for route, counts in list(self._times.items()):
            bounds = [*map(str, BOUNDS), "+Inf"]
            sums = [(bound, sum(counts[: n + 1])) for n, bound in enumerate(bounds)]
            family.add_metric((route,), sums, self._seconds[route])
        return family


class _Snapshot:
    """A collector of what was counted."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _jobs(jobs: Jobs) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    labels = ("queue", "state")
    family = GaugeMetricFamily("sightline_jobs", "Jobs by queue and state.", labels=labels)
    for queue, state, number in jobs:
        family.add_metric((queue, state), number)
    return family


class CountRequests:
    """Counts every answer under its route's template, so that ids do not make new series."""

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
    """Return the route's path with its parameters' names; an included router leaves its prefix."""
    path = getattr(scope.get("route"), "path", "none")
    prefixed = scope["path"].startswith(API) and not path.startswith(API)
    return f"{API}{path}" if prefixed else str(path)
