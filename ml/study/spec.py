"""What a study trains and measures, read from its JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ml.errors import MlError
from ml.networks.attention.base import MECHANISMS
from ml.networks.network import build_network
from ml.train.config import TrainConfig
from ml.train.configure import configure


@dataclass(frozen=True)
class Trials:
    """Short trainings that choose the learning rate, on a part of the training images.

    Attributes:
        rates: Peak rates of the trunk; every row tries all of them, and all rows get the one with
            the least mean loss over the rows.
        train_images: To train on, evenly spread over the classes.
        val_images: Other training images, to judge by; half of them are placed at 35 %.
        settings: Where a trial differs from the recipe.
    """

    rates: tuple[float, ...]
    train_images: int
    val_images: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """A way to train all rows: where it differs from the recipe, and with which seeds."""

    settings: Mapping[str, Any]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """One training of a study."""

    row: str
    arm: str
    seed: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.row}-{self.arm}-{self.seed}"


@dataclass(frozen=True)
class StudySpec:
    """A study: rows (networks), arms (ways to train them), and one recipe for all.

    Attributes:
        data: Folder with `train` and `val`, within the data folder.
        boxed: Folder of images with `boxes.csv`, within the data folder; never trained on.
        rows: Name -> `mechanism` and `parameters`; `title` if it is not the mechanism's.
        arms: Name -> how.
        recipe: Settings of all runs.
        trials: What chooses the rate; None if the recipe has it.
        curve_images: Validation images, evenly spread, that a run's curves are of; all measures
            are of the whole split. None: of the whole split too.
    """

    data: str
    boxed: str
    rows: Mapping[str, Mapping[str, Any]]
    arms: Mapping[str, Arm]
    recipe: Mapping[str, Any]
    trials: Trials | None = None
    curve_images: int | None = None

    def runs(self) -> Iterator[Run]:
        """Yield all runs: every row and arm with the first seed, then with the next one."""
        seeds = sorted({seed for arm in self.arms.values() for seed in arm.seeds})
        for seed in seeds:
            for arm, how in self.arms.items():
                if seed in how.seeds:
                    yield from (Run(row, arm, seed) for row in self.rows)

    def title(self, row: str) -> str:
        """Return what a row is called on the page."""
        about = self.rows[row]
        return str(about.get("title") or MECHANISMS[about.get("mechanism", row)].about.title)

    def config(
        self, row: str, settings: Mapping[str, Any], seed: int, rate: float | None = None
    ) -> TrainConfig:
        """Return a run's configuration.

        Args:
            row: Name of the network.
            settings: Where it differs from the recipe.
            seed: Of order, views, dropout and new weights.
            rate: The peak rate that the trials chose; None leaves the recipe's.

        Raises:
            MlError: A setting does not exist, or its value is not possible.
        """
        about = {k: v for k, v in self.rows[row].items() if k != "title"}
        chosen = {} if rate is None else {"lr": rate}
        values = {**self.recipe, **chosen, **settings, "seed": seed}
        mechanism = str(about.pop("mechanism", row))
        config = configure(mechanism, {**values, **about})
        if type(config) is not TrainConfig:
            raise MlError("A study trains models of photos.")
        return config

    def check(self) -> None:
        """Raise MlError if a run's network cannot be built, before anything is trained."""
        for row in self.rows:
            for arm in self.arms.values():
                build_network(self.config(row, arm.settings, 0).spec(10))


def read(path: Path) -> StudySpec:
    """Read a study's file.

    Raises:
        MlError: It is not there, not JSON, or something in it is missing or unknown.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        trials = values.pop("trials", None)
        arms = {name: _record(Arm, how) for name, how in values.pop("arms").items()}
        chosen = _record(Trials, trials) if trials else None
        spec = StudySpec(**values, arms=arms, trials=chosen)
    except OSError as error:
        raise MlError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MlError(f"{path.name} does not describe a study: {error}.") from error
    spec.check()
    return spec


def _record(kind: Any, values: Mapping[str, Any]) -> Any:
    """Build a dataclass whose sequences are tuples; TypeError for an unknown or missing field."""
    names = [f.name for f in fields(kind)]
    tuples = {k: tuple(v) for k, v in values.items() if k in names and isinstance(v, Sequence)}
    return kind(**{**values, **tuples})


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """Return a configuration as JSON has it, to compare what was trained with what is asked for."""
    known: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return known
