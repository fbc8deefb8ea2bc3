"""The class that evidence is for: how it is named, and whether a model knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml.errors import MlError

TOP = "top"  # each model's own first class


@dataclass(frozen=True)
class Named:
    """A class by its name, whatever that is: `top` too."""

    name: str


Target = int | str | Named
"""A class's index, its name, or `top`: a class that is called so is `Named`."""


def find_class(target: Target, classes: Sequence[str]) -> int | None:
    """Class index of an index or a name; None where it is unknown.

    A name's case matters only where two classes differ in nothing else.
    """
    if isinstance(target, int):
        return target if 0 <= target < len(classes) else None
    name = target.name if isinstance(target, Named) else target
    if name in classes:
        return list(classes).index(name)
    folded = [known.casefold() for known in classes]
    return folded.index(name.casefold()) if name.casefold() in folded else None


def resolve_target(target: Target, classes: Sequence[str], model: str) -> int | None:
    """Class index of a target; None for `top`. MlError when the model has no such class."""
    if target == TOP:
        return None
    found = find_class(target, classes)
    if found is None:
        asked = target.name if isinstance(target, Named) else target
        raise MlError(
            f"{model} has no class {asked!r}. It has {len(classes)}, such as {classes[0]!r}."
        )
    return found


def known_target(target: Target, classes: Sequence[str]) -> Target | None:
    """Return the target for a model among several: None where it has no such class."""
    return target if target == TOP or find_class(target, classes) is not None else None


def lacking(target: Target) -> str:
    """Return what is said of a model that does not know a class."""
    if isinstance(target, int):
        return f"has no class {target}"
    name = target.name if isinstance(target, Named) else target
    return f"does not know {name.replace('_', ' ')}"
