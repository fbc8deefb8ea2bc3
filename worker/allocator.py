"""How the worker's memory is taken from the system."""

from __future__ import annotations

from ml.allocator import tune

__all__ = ["tune"]
