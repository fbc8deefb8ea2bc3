"""`python -m ml explain FILE -o figure.png`: the table of a photo or a clip, without a server."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.catalogue import IMAGENET_ID, CatalogueEntry, default_device, entries, find, load
from ml.commands import explain_clip
from ml.commands.base import Command, add_weights
from ml.errors import MlError
from ml.explain.photo import explain_image
from ml.figures.table import Row, draw
from ml.media.photo import load_rgb, squash
from ml.networks.types import Heatmap, ImageResult


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, metavar="FILE", help="a photo, or a clip")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("figure.png"), help="png, svg, pdf"
    )
    parser.add_argument("--models", nargs="+", metavar="ID", help="default: all shipped ones")
    parser.add_argument("--methods", nargs="+", default=["attention", "gradcam"], metavar="NAME")
    parser.add_argument("--target", default="top", help="top, a class name or an index")
    parser.add_argument("--size", type=int, default=224, help="input size, 96 to 512 px")
    parser.add_argument("--colormap", default="viridis")
    parser.add_argument("--alpha", type=float, default=0.55)
    parser.add_argument("--scale", choices=("map", "row", "shared", "absolute"), default="map")
    parser.add_argument("--npz", type=Path, help="also write the raw maps there")
    parser.add_argument("--device", default="auto")
    add_weights(parser)
    explain_clip.options(parser)


def _run(options: argparse.Namespace) -> None:
    suffix = options.output.suffix.lstrip(".").lower()
    if suffix not in ("png", "svg", "pdf"):
        raise MlError(f"{options.output.name} should end in .png, .svg or .pdf.")
    if not 96 <= options.size <= 512:
        raise MlError("--size goes from 96 to 512.")
    if not 0 <= options.alpha <= 1:
        raise MlError("--alpha goes from 0 to 1.")
    for written in (options.output, options.npz):
        if written and not written.parent.is_dir():
            raise MlError(f"There is no folder {written.parent}.")
    if not options.photo.is_file():
        raise MlError(f"There is no file {options.photo}.")
    if explain_clip.is_clip(options.photo):
        explain_clip.run(_chosen(options, "clip"), options)
        return
    results = _explain(options)
    titles = {entry.id: entry.title for entry in entries(options.weights)}
    rows = [row for result in results for row in rows_of(result, titles[result.model])]
    photo = load_rgb(options.photo)
    draw(
        squash(photo, 512),
        rows,
        path=options.output,
        format=suffix,
        colormap=options.colormap,
        alpha=options.alpha,
        scale=options.scale,
        title=options.photo.name,
        aspect=photo.width / photo.height,
    )
    if options.npz:
        named = {f"{r.model}/{h.stage}/{h.method}": h.values for r in results for h in r.heatmaps}
        np.savez_compressed(options.npz, **named)  # type: ignore[arg-type]
    print(f"{options.output}: {len(rows)} rows, {sum(r.seconds for r in results):.2f} s of compute")


def _chosen(options: argparse.Namespace, kind: str) -> list[CatalogueEntry]:
    """The models that were asked for, or all of that kind."""
    known = [entry for entry in entries(options.weights) if entry.kind == kind]
    if options.models:
        return [find(model_id, known) for model_id in options.models]
    return [entry for entry in known if entry.id != IMAGENET_ID]


def _explain(options: argparse.Namespace) -> list[ImageResult]:
    chosen = _chosen(options, "image")
    target = int(options.target) if options.target.isdigit() else options.target
    rgb = squash(load_rgb(options.photo), options.size)
    device = default_device(options.device)
    with tqdm(chosen, unit="model", leave=False, disable=None) as bar:
        return [
            explain_image(load(entry, device), rgb, target=target, methods=options.methods)
            for entry in bar
        ]


def rows_of(result: ImageResult, title: str) -> list[Row]:
    """One row a method: the model, its first guess and the target."""
    best = int(result.probabilities.argmax())
    caption = f"{result.classes[best]}  {result.probabilities[best]:.0%}"
    rows: dict[str, dict[str, Heatmap]] = {}
    for heatmap in result.heatmaps:
        if heatmap.values.ndim == 2:
            rows.setdefault(heatmap.method, {})[heatmap.stage] = heatmap
    return [
        Row(
            title,
            method,
            next(m.unit for m in maps.values() if m.unit != "combined"),
            caption,
            {stage: m.values for stage, m in maps.items()},
        )
        for method, maps in rows.items()
    ]


COMMAND = Command(
    "draw masks and Grad-CAM: the table of a photo, the contact sheet of a clip", _options, _run
)
