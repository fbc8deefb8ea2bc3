"""Settings of a run as dataclass fields that carry their title, help text and range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ml.errors import MlError

FROZEN_AT_MOST = 6  # the early stage is tapped after block 6, counted from 0
RUN, OPTIMISER, DATA, NETWORK = "run", "optimiser", "data", "network"


def about(default: Any, title: str, group: str, text: str, **more: Any) -> Any:
    """Return a dataclass field with the metadata that the launch form shows.

    Args:
        default: The setting's default value.
        title: Its label in the form.
        group: The part of the form that it belongs to: RUN, OPTIMISER, DATA or NETWORK.
        text: One or two sentences of help.
        more: `min`, `max`, `step`, `unit` or `choices`.
    """
    return field(default=default, metadata={"title": title, "group": group, "help": text, **more})


def check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    """Raise MlError if a value is not one of its field's choices, or outside its range."""
    choices = metadata.get("choices")
    if choices and isinstance(value, str) and value not in choices:
        raise MlError(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    low, high = metadata.get("min"), metadata.get("max")
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise MlError(f"{name} goes from {low} to {high}, not {value}.")
