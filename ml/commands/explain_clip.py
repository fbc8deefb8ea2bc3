"""`python -m ml explain CLIP -o figure.png`: the contact sheet of a clip, without a server."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.catalogue import CatalogueEntry, default_device, load_clip
from ml.errors import MlError
from ml.explain.clip import explain_clip
from ml.explain.sample import sample_clip
from ml.figures.sheet import Strip, draw
from ml.media import signature
from ml.networks.video.types import ClipResult, Sampled

STREAMS = {"rgb": "appearance (RGB)", "flow": "motion (flow)"}
STAGES = ("early", "medium", "late", "combined")


def is_clip(path: Path) -> bool:
    """Whether a file begins as a clip does; a GIF, if it moves."""
    with path.open("rb") as file:
        kind = signature.kind(file.read(signature.HEAD))
    if kind != "gif":
        return kind == "clip"
    from PIL import Image

    with Image.open(path) as image:
        return bool(getattr(image, "is_animated", False))


def options(parser: argparse.ArgumentParser) -> None:
    """Add what only clips have."""
    clips = parser.add_argument_group("clips")
    clips.add_argument("--segments", type=int, default=8, help="parts of the clip, 1 to 32")
    clips.add_argument("--from", dest="from_s", type=float, metavar="SECONDS")
    clips.add_argument("--to", dest="to_s", type=float, metavar="SECONDS")
    clips.add_argument("--flow", default="dis", help="dis, farneback, or tvl1 where installed")
    clips.add_argument("--stage", choices=STAGES, default="combined", help="of the sheet")
    clips.add_argument("--sheet", default="gradcam", metavar="METHOD", help="of the sheet")


def run(chosen: list[CatalogueEntry], wanted: argparse.Namespace) -> None:
    """Explain a clip by the chosen models and draw one method and stage of each stream."""
    if not chosen:
        raise MlError("No model of clips is installed: train one, or name a photo.")
    sampled = sample_clip(
        wanted.photo, wanted.segments, 11, wanted.size, wanted.from_s, wanted.to_s, wanted.flow
    )
    results = _explain(chosen, sampled, wanted)
    titles = {entry.id: entry.title for entry in chosen}
    strips = [s for r in results for s in strips_of(r, titles[r.model], wanted.stage, wanted.sheet)]
    if not strips:
        raise MlError(f"None of these models has maps of {wanted.sheet} at {wanted.stage}.")
    draw(
        sampled.rgb,
        sampled.snippet_times,
        strips,
        path=wanted.output,
        format=wanted.output.suffix.lstrip(".").lower(),
        stage=wanted.stage,
        method=wanted.sheet,
        colormap=wanted.colormap,
        alpha=wanted.alpha,
        title=wanted.photo.name,
        aspect=_aspect(wanted.photo),
    )
    if wanted.npz:
        np.savez_compressed(wanted.npz, **_arrays(results))  # type: ignore[arg-type]
    took = sum(result.seconds for result in results)
    print(f"{wanted.output}: {len(strips)} rows, {took:.2f} s of compute")
    for result in results:
        print(f"  {result.model:20} {said(result)}")


def _explain(
    chosen: list[CatalogueEntry], sampled: Sampled, wanted: argparse.Namespace
) -> list[ClipResult]:
    target = int(wanted.target) if wanted.target.isdigit() else wanted.target
    device = default_device(wanted.device)
    methods = tuple(dict.fromkeys((*wanted.methods, wanted.sheet)))
    with tqdm(chosen, unit="model", leave=False, disable=None) as bar:
        return [
            explain_clip(load_clip(entry, device), sampled, target=target, methods=methods)
            for entry in bar
        ]


def said(result: ClipResult) -> str:
    """What a model says, and which stream and moment said most of it."""
    best = int(result.probabilities.argmax())
    name = result.classes[result.target_index]
    stream, step = max(
        ((s, k) for s, values in result.shares.items() for k in range(len(values))),
        key=lambda place: result.shares[place[0]][place[1]],
    )
    sums = ", ".join(f"{s} {float(values.sum()):+.2f}" for s, values in result.shares.items())
    return (
        f"{result.classes[best]} {result.probabilities[best]:.0%}; logit of {name}: {sums}; "
        f"most from {stream} at {result.times[step]:.2f} s"
    )


def strips_of(result: ClipResult, title: str, stage: str, method: str) -> list[Strip]:
    """One row a stream that has such maps."""
    best = int(result.probabilities.argmax())
    caption = f"{result.classes[best]}  {result.probabilities[best]:.0%}"
    return [
        Strip(title, STREAMS[t.stream], caption, t.values, t.target is not None)
        for t in result.tracks
        if (t.stage, t.method) == (stage, method)
    ]


def _arrays(results: list[ClipResult]) -> dict[str, np.ndarray]:
    """Raw maps by model/stream/stage/method, and when they are under times/."""
    arrays: dict[str, np.ndarray] = {}
    for result in results:
        for track in result.tracks:
            name = f"{result.model}/{track.stream}/{track.stage}/{track.method}"
            arrays[name], arrays[f"times/{name}"] = track.values, track.times
        for stream, shares in result.shares.items():
            arrays[f"shares/{result.model}/{stream}"] = shares
    return arrays


def _aspect(path: Path) -> float:
    from ml.media.clip.read import inspect

    facts = inspect(path)[0]
    return facts.width / facts.height
