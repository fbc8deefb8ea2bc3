"""Which files of a dataset train, which validate: one label for one content, in one split."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ml.layouts.layout import Split, Use, listing

NO_TRAIN = "its class has nothing to train on"
IN_VAL = "the same file is in the validation split"
CONFLICT = "the same file is in the classes {}"
DECIDED = "the same file is in {}, as you decided"


@dataclass(frozen=True, slots=True)
class Example:
    """A file that can be used: its content's hash, what it is for, and its class."""

    content: str
    use: Use
    label: str


@dataclass(frozen=True)
class Settled:
    """What became of the examples, by their places in the list.

    Attributes:
        splits: The split of each that is used.
        left_out: Why each of the others is not.
        conflicts: Those with the same content in several classes, together.
        duplicates: Those with the same content otherwise, together, each with its split.
    """

    splits: Mapping[int, Split]
    left_out: Mapping[int, str]
    conflicts: Sequence[Sequence[int]]
    duplicates: Sequence[Sequence[tuple[int, Split]]]


def settle(
    examples: Sequence[Example], seed: int, share: float, decided: Mapping[str, str] | None = None
) -> Settled:
    """Resolve conflicts, divide what has no split, and keep validation apart from training.

    Args:
        examples: The files that can be read.
        seed: Of the division.
        share: Of each class that is divided to validate on, 0..1.
        decided: The right class of contents that lie in several; all others are left out.
    """
    left_out: dict[int, str] = {}
    conflicts = _conflicts(examples, decided or {}, left_out)
    splits = _split(examples, left_out, seed, share)
    duplicates = [
        [(n, splits[n]) for n in group] for group in _by_content(examples, splits) if len(group) > 1
    ]
    val = {examples[n].content for n, split in splits.items() if split == "val"}
    for n in [n for n, split in splits.items() if split == "train"]:
        if examples[n].content in val:
            left_out[n] = IN_VAL
            del splits[n]
    trained = {examples[n].label for n, split in splits.items() if split == "train"}
    for n in [n for n in splits if examples[n].label not in trained]:
        left_out[n] = NO_TRAIN
        del splits[n]
    return Settled(splits, left_out, conflicts, duplicates)


def _by_content(examples: Sequence[Example], places: Iterable[int]) -> list[list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for n in places:
        groups[examples[n].content].append(n)
    return list(groups.values())


def _conflicts(
    examples: Sequence[Example], decided: Mapping[str, str], left_out: dict[int, str]
) -> list[list[int]]:
    """Leave out all files of a content with several labels, but for those of the decided one."""
    conflicts = []
    for group in _by_content(examples, range(len(examples))):
        labels = sorted({examples[n].label for n in group})
        if len(labels) == 1:
            continue
        conflicts.append(group)
        right = decided.get(examples[group[0]].content)
        for n in group:
            if right not in labels:
                left_out[n] = CONFLICT.format(listing(labels))
            elif examples[n].label != right:
                left_out[n] = DECIDED.format(right)
    return conflicts


def _split(
    examples: Sequence[Example], left_out: Mapping[int, str], seed: int, share: float
) -> dict[int, Split]:
    """Return the split of each file; classes are divided by content, whatever its name."""
    rest = [n for n in range(len(examples)) if n not in left_out]
    by_class: dict[str, list[str]] = defaultdict(list)
    for content, label in {
        examples[n].content: examples[n].label for n in rest if examples[n].use == "divide"
    }.items():
        by_class[label].append(content)
    val: set[str] = set()
    for contents in by_class.values():
        shuffled = sorted(
            contents, key=lambda one: hashlib.sha256(f"{seed} {one}".encode()).digest()
        )
        wanted = max(1, round(share * len(contents)))
        val.update(shuffled[: min(wanted, len(contents) - 1)])
    splits: dict[int, Split] = {}
    for n in rest:
        use = examples[n].use
        splits[n] = ("val" if examples[n].content in val else "train") if use == "divide" else use
    return splits


def _rank(seed: int, content: str) -> bytes:
    return hashlib.sha256(f"{seed} {content}".encode()).digest()
