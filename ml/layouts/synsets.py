"""Words for the folders of Imagenette, which are called after WordNet's synsets."""

from __future__ import annotations

SYNSETS = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}


def titled(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return classes' names for their folders; the folders' own if two would be the same."""
    titles = tuple(SYNSETS.get(folder, folder) for folder in folders)
    return titles if len(set(titles)) == len(folders) else folders
