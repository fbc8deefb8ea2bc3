"""What a file's or folder's name says: an image, a clip, metadata of a system."""

from __future__ import annotations

import unicodedata

IMAGE_ENDINGS = frozenset(
    (
        *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
        *(".heic", ".heif"),
    )
)
CLIP_ENDINGS = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".ogv"),
        *(".ts", ".vob", ".3gp"),
    )
)
OS_METADATA = frozenset(
    (
        *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found"),
        *("@eadir", "$recycle.bin", "system volume information"),
    )
)
# They reorder the letters around them, so that a name looks like another one.
BIDI_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BREAKS = frozenset("\u2028\u2029")
Parts = tuple[str, ...]  # a name's folders and, last, the file


def is_harmless(letter: str) -> bool:
    """Return False for controls, line breaks, halves of surrogates and bidi overrides.

    Joiners, variation selectors and tags stay: Persian, Indic scripts and emoji need them.
    """
    return (
        unicodedata.category(letter) not in {"Cc", "Cs"}
        and letter not in BIDI_OVERRIDES
        and letter not in BREAKS
    )


def clean(part: str) -> str:
    """Return one part of a name in NFC, with what is not harmless replaced."""
    composed = unicodedata.normalize("NFC", part.encode("utf-8", "replace").decode())
    letters = (letter if is_harmless(letter) else "\ufffd" for letter in composed)
    return "".join(letters).strip() or "\ufffd"


def is_os_metadata(parts: Parts) -> bool:
    """Return True for what systems put into folders by themselves; it is not reported."""
    return any(part.startswith(".") or part.casefold() in OS_METADATA for part in parts)


def is_image(parts: Parts) -> bool:
    """Return True if the name is an image's."""
    return ending(parts) in IMAGE_ENDINGS


def is_clip(parts: Parts) -> bool:
    """Return True if the name is a clip's."""
    return ending(parts) in CLIP_ENDINGS


def ending(parts: Parts) -> str:
    """Return a file's ending with its dot, in lower case; "" if there is none."""
    _, dot, last = parts[-1].rpartition(".")
    return f"{dot}{last}".casefold() if dot else ""
