"""The registry of job handlers.

A handler is a function `(params, context)` decorated with `@handles(ItsJob)`, in a module of one
of the packages below; the runner looks it up by the class of the parameters.
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
    """Register the decorated function as the handler of this class of jobs.

    Raises:
        ValueError: The class has a handler already.
    """

    def register(handler: Handler[P]) -> Handler[P]:
        if job in _handlers:
            raise ValueError(f"two handlers for {job.__name__}")
        _handlers[job] = handler
        return handler

    return register


def load() -> None:
    """Import every module that may define a handler."""
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(path, f"{package}."):
            importlib.import_module(module.name)


def handler_of(params: JobParameters) -> Handler[Any]:
    """Return the handler of a job with these parameters."""
    return _handlers[type(params)]
