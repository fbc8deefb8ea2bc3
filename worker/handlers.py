"""Which function carries out which kind of job.

A handler is a function `(params, context)` under `@handles(ItsJob)`, in a module of one of the
packages below; the runner looks it up by the class of the parameters.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, TypeVar

from app.jobs.parameters import JobParameters
from worker.context import Context

PACKAGES = ("worker.analysis", "worker.training", "worker.datasets", "worker.media")
P = TypeVar("P", bound=JobParameters)
Handler = Callable[[P, Context], None]

_handlers: dict[type[JobParameters], Handler[Any]] = {}


def handles(job: type[P]) -> Callable[[Handler[P]], Handler[P]]:
    """Let the decorated function carry out jobs of this class.

    Raises:
        ValueError: Another function does already.
    """

    def register(handler: Handler[P]) -> Handler[P]:
        if job in _handlers:
            raise ValueError(f"two handlers for {job.__name__}")
        _handlers[job] = handler
        return handler

    return register


def load() -> None:
    """Import every module that may hold a handler."""
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(path, f"{package}."):
            importlib.import_module(module.name)


def handler_of(params: JobParameters) -> Handler[Any]:
    """Return the function that carries out a job with these parameters."""
    return _handlers[type(params)]
