"""What a person is told about how a clip was read: no guess is made in silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.media.clip.scan import Scan
from ml.media.clip.source import Source

UNEVEN, FEW = 0.2, 0.05  # variable rate: over FEW of the steps differ by UNEVEN from the median


@dataclass(frozen=True)
class Seen:
    """What decoding has shown.

    Attributes:
        held: Frames that cannot be read, and for which the one before stands.
        transparent: True if a frame is transparent in part.
        reshaped: True if a frame's shape is not the first one's.
        hdr: Name of the transfer function of a clip of high dynamic range.
    """

    held: int = 0
    transparent: bool = False
    reshaped: bool = False
    hdr: str | None = None


def note(source: Source, scanned: Scan, seen: Seen) -> str | None:
    """Return all remarks, as sentences; None if there is none."""
    said = [_track(source), _rate(scanned), _clock(scanned), _loss(scanned, seen), _look(seen)]
    return " ".join(sentence for sentence in said if sentence) or None


def _track(source: Source) -> str:
    if source.tracks == 1:
        return ""
    name = source.stream.metadata.get("title") or ""
    called = f" (“{' '.join(name.split())[:60]}”)" if name.strip() else ""
    marked = source.stream.disposition & source.stream.disposition.default
    which = "the default one" if marked else "the first"
    return (
        f"The file has {source.tracks} video tracks: track {source.track}{called} is used, {which}."
    )


def _rate(scanned: Scan) -> str:
    if len(scanned.ticks) == 1:
        return "The clip has one frame: it shows no motion."
    steps = np.diff(scanned.times)
    usual = float(np.median(steps))
    if float((np.abs(steps - usual) > UNEVEN * usual).mean()) > FEW:
        return "The clip has a variable frame rate: every time given is the frame's own."
    return ""


def _clock(scanned: Scan) -> str:
    if scanned.counted:
        return (
            "The file's times do not fit the order of its frames: they are shown as they are "
            f"decoded, {_rate_of(scanned):.4g} a second."
        )
    if scanned.jumps:
        times = "once" if scanned.jumps == 1 else f"{scanned.jumps} times"
        return (
            f"The file's clock jumps {times}, as where parts were joined: from there time goes on "
            "by the usual step."
        )
    return ""


def _rate_of(scanned: Scan) -> float:
    span = float(scanned.times[-1])
    return (len(scanned.ticks) - 1) / span if span else 0.0


def _loss(scanned: Scan, seen: Seen) -> str:
    said = []
    if scanned.missing_s:
        whole = scanned.seconds + scanned.missing_s
        said.append(
            f"The clip is cut off: of its {whole:.2f} s the last {scanned.missing_s:.2f} s "
            f"({_percent(scanned.missing_s / whole)}) are missing."
        )
    left_out = 0 if scanned.missing_s and scanned.trusted else scanned.unread
    for lost, instead in (
        (seen.held, "the frame before is shown instead"),
        (left_out, "and is left out"),
    ):
        if lost:
            whole_count = len(scanned.pts) + left_out
            share = _percent(lost / whole_count)
            said.append(
                f"The clip is damaged: {lost:,} of {whole_count:,} frames ({share}) cannot be "
                f"read, {instead}."
            )
    return " ".join(said)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _look(seen: Seen) -> str:
    said = []
    if seen.reshaped:
        said.append(
            "The picture changes its shape: frames of another shape than the first have black bars."
        )
    if seen.transparent:
        said.append("The clip is transparent in part: it is shown over white.")
    if seen.hdr:
        said.append(
            f"The clip has a high dynamic range ({seen.hdr}): its colours are mapped to an "
            "ordinary screen's."
        )
    return " ".join(said)
