"""The names of splits, in their usual spellings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

Word = Literal["train", "val", "test", "pred"]
SPELLINGS: dict[Word, str] = {
    "train": "train training trn trainset traindata trainval",
    "val": "val valid validation validate dev eval evaluation valset valdata",
    "test": "test testing tst testset testdata",
    "pred": "pred predict prediction predictions unlabeled unlabelled",
}
WORDS: dict[str, Word] = {one: word for word, all_ in SPELLINGS.items() for one in all_.split()}
# Words that say no more than "here are files": `train_images`, `test set`.
FILLERS = frozenset(
    (
        *("clips", "data", "dataset", "files", "folder", "frames", "image", "images", "img"),
        *("imgs", "jpg", "original", "photos", "pics", "pictures", "png", "raw", "samples"),
        *("set", "split", "subset", "videos"),
    )
)
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
TOKENS = re.compile(r"[^\W\d_]+")


def split_words(names: Iterable[str]) -> dict[str, Word]:
    """Return which of some sibling folders are named after a split.

    `Training` and `val_images` are by themselves; `seg_train` is beside `seg_test`, since a folder
    `freight train` alone is more likely a class.
    """
    found: dict[str, Word] = {}
    affixed: dict[tuple[str, ...], dict[str, Word]] = defaultdict(dict)
    for name in names:
        tokens = _tokens(name)
        words = [token for token in tokens if token in WORDS]
        if not words:
            continue
        rest = tuple(token for token in tokens if token not in WORDS and token not in FILLERS)
        word = WORDS[words[0]]
        if rest:
            affixed[rest][name] = word
        else:
            found[name] = word
    for siblings in affixed.values():
        if len(set(siblings.values())) > 1 and "train" in siblings.values():
            found |= siblings
    return found


def is_filler(name: str) -> bool:
    """Return True if a folder's name says neither a split nor a class: `images`, `data`."""
    tokens = _tokens(name)
    return bool(tokens) and all(token in FILLERS or token in WORDS for token in tokens)


def _tokens(name: str) -> list[str]:
    return TOKENS.findall(CAMEL.sub(" ", name).casefold())
