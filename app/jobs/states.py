"""The states of a job."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """queued -> running -> succeeded, failed or cancelled; running -> queued if its worker dies.

    A training run may also be paused, and is queued again when somebody resumes it; an import
    pauses until somebody has decided how to read it.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
