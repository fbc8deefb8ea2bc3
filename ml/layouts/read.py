"""Reads a layout from the names of a dataset's files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ml.layouts.layout import LOOSE, Group, Layout, Use, alike, listing, shown
from ml.layouts.names import Parts
from ml.layouts.words import Word, is_filler, split_words

FLAT = "it has no folders of classes"
BESIDE = "it lies beside the dataset's folders"
ORDER: tuple[Word, ...] = ("val", "test")  # of what may validate
PLAIN = ("train", "val", "test")  # the spellings that go before others


def read_layout(examples: Iterable[Parts]) -> Layout:
    """Return what the folders of a dataset are used for.

    Args:
        examples: Names of the images or clips, without metadata of systems.
    """
    reader = _Reader()
    reader.read(_tree(examples))
    used = [group.label for group in reader.groups.values() if group.use]
    for names in alike(used):
        reader.ask(
            f"The classes {listing(names)} differ only in upper and lower case: name them alike "
            "if they are one."
        )
    return Layout(dict(sorted(reader.groups.items())), reader.question)


@dataclass
class _Node:
    folder: Parts
    files: int = 0  # right in it
    inner: dict[str, _Node] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.files + sum(node.total for node in self.inner.values())


def _tree(examples: Iterable[Parts]) -> _Node:
    root = _Node(())
    for parts in examples:
        node = root
        for depth, name in enumerate(parts[:-1], start=1):
            if name not in node.inner:
                node.inner[name] = _Node(parts[:depth])
            node = node.inner[name]
        node.files += 1
    return root


def _words(node: _Node) -> dict[str, Word]:
    return split_words(node.inner)


def _chain(node: _Node, *, fillers_only: bool = False) -> Iterator[_Node]:
    """Yield a folder and those inside it, as long as it has a single one that is no class."""
    yield node
    while len(node.inner) == 1:
        ((name, inner),) = node.inner.items()
        if fillers_only:
            own = node.folder[-1].casefold() if node.folder else ""
            if not (is_filler(name) or name.casefold() == own):
                return
        elif not inner.inner:
            return
        node = inner
        yield node


def _below(node: _Node) -> _Node:
    """Return the folder of the classes of a split: `seg_train/seg_train`, `train/images`."""
    return [*_chain(node, fillers_only=True)][-1]


class _Reader:
    def __init__(self) -> None:
        self.groups: dict[Parts, Group] = {}
        self.question: str | None = None

    def ask(self, question: str) -> None:
        """Note a question; the first one is asked."""
        self.question = self.question or question

    def read(self, top: _Node) -> None:
        """Read a folder that holds a dataset: its splits, or its classes."""
        *above, node = _chain(top)
        for one in (*above, node):
            self._loose(one)
        words = _words(node)
        if self._read_splits(node, words):
            return
        rest = self._without_splits(node, words)
        datasets = [inner for inner in rest if _has_splits(inner)]
        if datasets:
            self._read_datasets(rest, datasets)
        elif not self._read_class_first(node, rest):
            self._read_classes(node, rest)

    def _read_splits(self, node: _Node, words: Mapping[str, Word]) -> bool:
        """Read `train/CLASS` with `val/CLASS`; False if there is no such folder to train on."""
        trains = _labelled(node, words, "train")
        if not trains:
            return False
        train = trains[0]
        known = {name.casefold() for name in _below(train).inner}
        candidates = [inner for word in ORDER for inner in _labelled(node, words, word)]
        usable = [n for n in candidates if known & {name.casefold() for name in _below(n).inner}]
        val = usable[0] if usable else None
        names = sorted(n.folder[-1] for n in (train, val) if n is not None)
        only = (
            f"only the folder{'s'[: len(names) - 1]} {listing(names)} {'are' if val else 'is'} used"
        )
        for name, inner in sorted(node.inner.items()):
            if inner is train:
                self._use(inner, "train" if val else "divide")
            elif inner is val:
                self._use(inner, "val")
            elif name not in words:
                self._leave_out(inner, BESIDE)
            elif not _below(inner).inner:
                self._leave_out(inner, FLAT)
            elif inner in candidates and inner not in usable:
                self._leave_out(inner, f"its folders are not the classes of {train.folder[-1]}")
            else:
                self._use(inner, None, only)
        return True

    def _without_splits(self, node: _Node, words: Mapping[str, Word]) -> list[_Node]:
        """Leave out folders named after splits that are none; return the others."""
        rest = [inner for name, inner in sorted(node.inner.items()) if name not in words]
        for name in sorted(words):
            inner = node.inner[name]
            if not _below(inner).inner:
                self._leave_out(inner, FLAT)
            else:
                self._use(inner, None, "there is no folder to train on")
            if not rest or words[name] in {"train", "val"}:
                self.ask(
                    f"{shown(inner.folder)} is named after a split, but there is no train/CLASS/: "
                    "is it a class, or is it to be left out?"
                )
        return rest

    def _read_datasets(self, rest: list[_Node], datasets: list[_Node]) -> None:
        """Read folders with splits of their own, and leave out those beside."""
        for inner in rest:
            if inner in datasets:
                self.read(inner)
            else:
                self._leave_out(inner, BESIDE)
        if len(datasets) > 1:
            names = [inner.folder[-1] for inner in datasets]
            self.ask(f"{listing(names)} have splits of their own: are they one dataset?")

    def _read_class_first(self, node: _Node, rest: list[_Node]) -> bool:
        """Read `CLASS/train/*` with `CLASS/val/*`; False if the folders are not of this kind."""
        split = [inner for inner in rest if "train" in _flat_words(inner).values()]
        if len(split) < 2:
            return False
        for inner in rest:
            if inner not in split:
                self._leave_out(inner, BESIDE)
                self.ask(f"{shown(inner.folder)} has no splits as the others have: is it a class?")
                continue
            self._loose(inner)
            words = _flat_words(inner)
            val = next((name for word in ORDER for name in words if words[name] == word), None)
            for name, one in sorted(inner.inner.items()):
                use: Use | None = None
                if name == val:
                    use = "val"
                elif words.get(name) == "train":
                    use = "train" if val else "divide"
                reason = "" if use else "the others are used"
                label = inner.folder[-1]
                self._add(Group(one.folder, node.folder, one.total, use, label, reason))
        return True

    def _read_classes(self, node: _Node, rest: list[_Node]) -> None:
        """Read `CLASS/*`; ask if the classes may lie one folder deeper."""
        nested = [inner for inner in rest if not inner.files and len(inner.inner) > 1]
        flat = [inner for inner in rest if inner.files and not inner.inner]
        same = len({tuple(sorted(inner.inner)) for inner in nested}) == 1
        if len(nested) == len(rest) > 1 and same:
            classes = sorted(nested[0].inner)
            self.ask(
                f"The same folders ({listing(classes)}) lie in "
                f"{listing([inner.folder[-1] for inner in nested])}: which ones are the classes?"
            )
            for inner in nested:
                self._use(inner, "divide")
        elif len(nested) == 1 and 0 < len(flat) == len(rest) - 1 <= len(nested[0].inner):
            classes = sorted(nested[0].inner)
            self.ask(
                f"Are {listing(classes)} the classes, and not {shown(nested[0].folder)} and what "
                "lies beside it?"
            )
            self._use(nested[0], "divide")
            for inner in flat:
                self._leave_out(inner, BESIDE)
        else:
            for inner in rest:
                label = inner.folder[-1]
                self._add(Group(inner.folder, node.folder, inner.total, "divide", label))

    def _use(self, split: _Node, use: Use | None, reason: str = "") -> None:
        """Add the classes of a split; without `use` they are known, but left out."""
        *above, node = _chain(split, fillers_only=True)
        for one in (*above, node):
            self._loose(one)
        for name, inner in sorted(node.inner.items()):
            self._add(Group(inner.folder, node.folder, inner.total, use, name, reason))

    def _leave_out(self, node: _Node, reason: str) -> None:
        self._add(Group(node.folder, node.folder, node.total, reason=reason))

    def _loose(self, node: _Node) -> None:
        if node.files:
            self._add(Group(node.folder, node.folder, node.files, reason=LOOSE))

    def _add(self, group: Group) -> None:
        self.groups[group.folder] = group


def _labelled(node: _Node, words: Mapping[str, Word], word: Word) -> list[_Node]:
    """Return the folders of a split that have classes; the plainest spelling first."""
    names = sorted(
        (name for name in words if words[name] == word and _below(node.inner[name]).inner),
        key=lambda name: (name.casefold() not in PLAIN, _spelling(name), name),
    )
    return [node.inner[name] for name in names]


def _spelling(name: str) -> int:
    order = ("training", "valid", "validation", "testing")
    return order.index(name.casefold()) if name.casefold() in order else len(order)


def _flat_words(node: _Node) -> dict[str, Word]:
    """Return the folders in a class that are splits: they hold files and no folders."""
    return {name: word for name, word in _words(node).items() if not _below(node.inner[name]).inner}


def _has_splits(top: _Node) -> bool:
    return any(_labelled(node, _words(node), "train") for node in _chain(top))
