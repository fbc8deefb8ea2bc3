"""The class that evidence is for, as requests name it: `top`, an index, or a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import ConfigDict, StringConstraints
from typing_extensions import TypedDict

TOP: Final = "top"  # each model's own first class
ClassName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
NamedClass = TypedDict("NamedClass", {"class": ClassName})
NamedClass.__doc__ = "A class by its name, whatever that is: `top` too."
NamedClass.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
Target = int | str | NamedClass


def name_of(target: str | NamedClass) -> str:
    """Return the name of a class that is not asked for by its index."""
    return target["class"] if isinstance(target, dict) else target


def alike(known: str, asked: str) -> bool:
    """Whether two names are of the same class: their case does not matter."""
    return known.casefold() == asked.casefold()


def knows(classes: Sequence[str], target: Target) -> bool:
    """Whether a model with these classes can explain the target."""
    if isinstance(target, int):
        return 0 <= target < len(classes)
    return target == TOP or any(alike(known, name_of(target)) for known in classes)
