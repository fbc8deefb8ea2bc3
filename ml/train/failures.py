"""Errors of a run that the person who started it can do something about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from safetensors import SafetensorError

from ml.errors import MlError
from ml.files import is_full

_TOO_LARGE = (
    "The run does not fit into {}: take a smaller batch size or smaller images, or batch size 0, "
    "which looks for what fits."
)


@contextmanager
def user_errors() -> Iterator[None]:
    """Raise MlError for a full disk or too little memory, with a sentence on what to do."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MlError(_TOO_LARGE.format("the GPU's memory")) from error
    except MemoryError as error:
        raise MlError(_TOO_LARGE.format("memory")) from error
    except (OSError, SafetensorError) as error:
        if not _full(error):
            raise
        raise MlError(
            "The disk is full (or a quota is used up), so the run's state could not be saved. Make "
            "room and resume: the run goes on from the last state that was saved."
        ) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise MlError(_TOO_LARGE.format("memory")) from error


def _full(error: Any) -> bool:
    if isinstance(error, OSError):
        return is_full(error)
    return any(f"(os error {n})" in str(error) for n in (27, 28, 122))  # EFBIG, ENOSPC, EDQUOT
