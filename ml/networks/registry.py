"""Registries of named items, filled by importing all modules of a package.

A registered item is listed, tested and selectable without further code.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from ml.errors import MlError

T = TypeVar("T")


class Registry(Generic[T]):
    """Name -> item, filled on first use by importing a package and its subpackages."""

    def __init__(self, what: str, package: str) -> None:
        self._what = what
        self._package = package
        self._items: dict[str, T] = {}
        self._walked = False

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers an item; ValueError if the name is taken."""

        def add(item: T) -> T:
            if name in self._items:
                raise ValueError(f"two {self._what}s are called {name!r}")
            self._items[name] = item
            return item

        return add

    def _walk(self) -> None:
        if not self._walked:
            self._walked = True
            package = importlib.import_module(self._package)
            for module in pkgutil.walk_packages(package.__path__, f"{self._package}."):
                importlib.import_module(module.name)

    def __getitem__(self, name: str) -> T:
        """Return the item; MlError, with the known names, if there is none."""
        self._walk()
        if name not in self._items:
            known = ", ".join(sorted(self._items))
            raise MlError(f"There is no {self._what} called {name!r}. Known: {known}.")
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        self._walk()
        return iter(sorted(self._items))

    def items(self) -> list[tuple[str, T]]:
        """Return (name, item) pairs, sorted by name."""
        return [(name, self[name]) for name in self]
