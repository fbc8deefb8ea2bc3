"""Starting a run: what the worker and `python -m ml train` both call."""

from __future__ import annotations

from collections.abc import Generator

from ml.train.events import Event
from ml.train.parallel import launch
from ml.train.run import train_rank
from ml.train.spec import RunSpec
from ml.train.task import task_of


def train(spec: RunSpec) -> Generator[Event, None, None]:
    """Train, going on from the state that an earlier try left in `spec.folder`.

    Closing the generator saves the state first. A task that cannot use several devices trains on
    one.

    Raises:
        MlError: What the user can fix; the last saved state is still there.
    """
    if spec.devices > 1 and task_of(spec.config).several_devices:
        return launch.train(spec)
    return train_rank(spec)
