"""Randomly damaged files, which must be read or rejected with a message."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from app.core.errors import BadMedia, SightlineError, TooLarge
from app.media.decoder.client import Decoder
from ml.media.fit import fitted_size


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The data with one to eight random changes, deletions or repetitions."""
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
    """Whether a file is accepted; if not, it must be rejected with a sentence."""
    path.write_bytes(data)
    try:
        facts = decoder.inspect(path)
        clip = facts.kind == "clip"
        pixels = (
            decoder.clip_frames(path, [0], 64)[0] if clip else decoder.pixels(path, 64, "shape")
        )
    except (BadMedia, TooLarge) as error:
        message = error.detail
    else:
        seen = (64, 64) if clip else fitted_size(facts.width, facts.height, 64, "shape")
        assert pixels.shape == (*reversed(seen), 3)
        assert facts.view.startswith(b"\xff\xd8")
        return True
    assert message.endswith((".", ")"))
    return False


def check_archive(bring: Callable[[bytes], object], data: bytes) -> bool:
    """Whether an archive is imported; if not, it must be rejected with a message."""
    try:
        bring(data)
    except SightlineError as error:
        message = error.detail
    else:
        return True
    assert message
    return False
