"""Files damaged at random, the same for the same dice: read, or refused in words."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from app.core.errors import BadMedia, SightlineError, TooLarge
from app.media.decoder.client import Decoder


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The data with one to eight changes: bits, bytes and parts of it altered, lost or doubled."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(changed))
        end = min(len(changed), at + dice.choice((1, 4, 64, 1024)))
        match dice.randrange(5):
            case 0:
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                changed[at:end] = dice.randbytes(end - at)
            case 2 if len(changed) > end - at:
                del changed[at:end]
            case 3:
                changed[at:at] = changed[at:end]
            case _:
                changed[at:end] = dice.choice((b"\0", b"\xff")) * (end - at)
    return bytes(changed)


def check_medium(decoder: Decoder, path: Path, data: bytes) -> bool:
    """Whether a file was taken; one that is not is refused with a sentence."""
    path.write_bytes(data)
    try:
        facts = decoder.inspect(path)
        clip = facts.kind == "clip"
        pixels = decoder.clip_frames(path, [0], 64)[0] if clip else decoder.pixels(path, 64)
    except (BadMedia, TooLarge) as refusal:
        said = refusal.detail
    else:
        assert pixels.shape == (64, 64, 3)
        assert facts.view.startswith(b"\xff\xd8")
        return True
    assert said.endswith((".", ")"))
    return False


def check_archive(bring: Callable[[bytes], object], data: bytes) -> bool:
    """The same of an archive that is imported."""
    try:
        bring(data)
    except SightlineError as refusal:
        said = refusal.detail
    else:
        return True
    assert said
    return False
