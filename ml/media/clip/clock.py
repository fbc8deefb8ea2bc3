"""When frames are shown, if the file's own stamps jump, or contradict the order of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

USUAL_STEPS = 10  # a step of fewer is never a leap
DISORDERED = 8  # stamps contradict the order if more than one in so many goes back


def usual_step(ticks: Sequence[int | None]) -> int:
    """Return the median of the steps forward, at least 1."""
    steps = sorted(b - a for a, b in pairwise(ticks) if a is not None and b is not None and b > a)
    return steps[len(steps) // 2] if steps else 1


def contradicts(stamps: Sequence[int | None]) -> bool:
    """Return true if stamps of frames in the order of showing go back, or lack, again and again."""
    backs = sum(a is None or b is None or b <= a for a, b in pairwise(stamps))
    return backs * DISORDERED > len(stamps)


def mended(stamps: Sequence[int | None], most: int) -> tuple[list[int], int]:
    """Return ascending times, and how often the clock jumped.

    After a jump, back or by more than `most`, time goes on by the usual step, and from there by
    the stamps. A single stamp out of line is put between its neighbours.

    Args:
        stamps: Of the frames in the order of showing; None for one without.
        most: The longest step that is none of a clock that jumps.
    """
    usual = usual_step(stamps)
    most = max(most, USUAL_STEPS * usual)
    times: list[int] = []
    offset = jumps = 0
    for number, stamp in enumerate(stamps):
        if not times:
            times.append(stamp or 0)
            continue
        last = times[-1]
        if stamp is not None and 0 < stamp + offset - last <= most:
            times.append(stamp + offset)
            continue
        following = stamps[number + 1] if number + 1 < len(stamps) else None
        if following is not None and 1 < following + offset - last <= most:
            times.append(last + (following + offset - last) // 2)
            continue
        times.append(last + usual)
        if stamp is not None:
            offset = last + usual - stamp
            jumps += 1
    return times, jumps


def counted(packets: Sequence[int], sent: Sequence[int | None], step: int) -> list[int]:
    """Return times for frames that have none of their own.

    They are the times at which their packets are sent, ascending: one frame is shown for each one
    sent. Where these are not known, frames are `step` apart.

    Args:
        packets: Each frame's packet, in the order of showing.
        sent: When each packet is sent.
        step: The usual step.
    """
    times = [sent[number] for number in packets if number < len(sent)]
    known = sorted({time for time in times if time is not None})
    if len(known) == len(packets):
        return known
    start = known[0] if known else 0
    return [start + step * number for number in range(len(packets))]
