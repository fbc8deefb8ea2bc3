"""`python -m ml explain FILE -o figure.png`: the maps of a photo or a clip, without a server."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ml import checkpoint as checkpoints
from ml.catalogue import IMAGENET_ID, CatalogueEntry, default_device, entries, find, load
from ml.commands.base import Command, add_weights
from ml.errors import MlError
from ml.explain.certainty import ImageNet
from ml.explain.explain import explain
from ml.explain.methods import METHODS
from ml.explain.results import Explanation
from ml.explain.sample import sample_clip
from ml.explain.targets import TOP, Named, Target, find_class, known_target, lacking
from ml.figures.channels import MEAN, by_channel, check, in_words
from ml.figures.rows import (
    COLUMNS,
    answer,
    by_moment,
    by_stage,
    sheet_title,
    table_title,
    without,
)
from ml.figures.table import Row, Scale, Style, draw
from ml.media import signature
from ml.media.clip.read import inspect
from ml.media.fit import CLIP_FIT, FITS, Fit
from ml.media.photo import fitted, made_small, read
from ml.media.place import LEAST_SHARE, Place
from ml.networks.video.types import Pixels, Sampled

SUFFIX = ".safetensors"
SHARP = 512  # pixels of the photo's shorter side in the figure


@dataclass(frozen=True)
class _Subject:
    """What is explained: as the models see it, and as the figure shows it, a picture a column."""

    sampled: Sampled
    columns: Sequence[tuple[str, Pixels]]
    aspect: float


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path, metavar="FILE", help="a photo, or a clip")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("figure.png"), help="png, svg, pdf"
    )
    parser.add_argument(
        "--models", nargs="+", metavar="ID",
        help="ids, or checkpoints of `train` (NAME.safetensors); default: the rows of the pages",
    )  # fmt: skip
    parser.add_argument("--methods", nargs="+", default=["attention", "gradcam"], metavar="NAME")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--target", help="top (the default), a class name or an index")
    target.add_argument(
        "--target-class", metavar="NAME", help="a class name, also `top` or a number"
    )
    target.add_argument("--target-index", type=int, metavar="N", help="a class's index, from 0")
    parser.add_argument("--size", type=int, default=224, help="shorter side of the input, px")
    parser.add_argument(
        "--fit", choices=FITS, help="whole (the default), squashed, or the middle of a photo"
    )
    parser.add_argument(
        "--place", type=_place, metavar="SHARE,X,Y",
        help="make a photo small: its share of the side, and where it is, each 0 to 1",
    )  # fmt: skip
    parser.add_argument("--colormap", help="default: viridis, and vik with --signed")
    parser.add_argument(
        "--signed", action="store_true", help="also draw evidence against; the colours diverge"
    )
    parser.add_argument(
        "--channel",
        default=MEAN,
        metavar="RULE",
        help="of a photo's masks with several channels: mean, max, l2, or one channel's number",
    )
    parser.add_argument("--alpha", type=float, default=0.55)
    parser.add_argument("--scale", choices=("map", "row", "shared", "absolute"), default="map")
    parser.add_argument("--npz", type=Path, help="also write the raw maps there")
    parser.add_argument("--device", default="auto")
    add_weights(parser)
    clips = parser.add_argument_group("clips")
    clips.add_argument("--segments", type=int, default=8, help="parts of the clip, 1 to 32")
    clips.add_argument("--from", dest="from_s", type=float, metavar="SECONDS")
    clips.add_argument("--to", dest="to_s", type=float, metavar="SECONDS")
    clips.add_argument("--flow", default="dis", help="dis, farneback, or tvl1 where installed")
    clips.add_argument("--stage", choices=COLUMNS, default="combined", help="of the sheet")
    clips.add_argument("--sheet", default="gradcam", metavar="METHOD", help="of the sheet")


def _place(text: str) -> Place:
    try:
        place = Place(*map(float, text.split(",")))
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError("give three numbers, such as 0.35,0.8,0.2") from None
    if not (LEAST_SHARE <= place.share <= 1 and 0 <= place.x <= 1 and 0 <= place.y <= 1):
        raise argparse.ArgumentTypeError(
            f"the share goes from {LEAST_SHARE} to 1, x and y from 0 to 1"
        )
    return place


def _run(options: argparse.Namespace) -> None:
    _check(options)
    run(options, entries(options.weights))


def _check(options: argparse.Namespace) -> None:
    if options.output.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise MlError(f"{options.output.name} should end in .png, .svg or .pdf.")
    if not 96 <= options.size <= 512:
        raise MlError("--size goes from 96 to 512.")
    if not 0 <= options.alpha <= 1:
        raise MlError("--alpha goes from 0 to 1.")
    check(options.channel)
    for written in (options.output, options.npz):
        if written and not written.parent.is_dir():
            raise MlError(f"There is no folder {written.parent}.")
    if not options.photo.is_file():
        raise MlError(f"There is no file {options.photo}.")


def run(options: argparse.Namespace, known: Sequence[CatalogueEntry]) -> None:
    """Explain a photo or a clip by the models asked for, draw the maps, and keep them."""
    clip = is_clip(options.photo)
    chosen = _chosen(options, [entry for entry in known if (entry.kind == "clip") == clip], clip)
    if not chosen:
        raise MlError("No model of clips is installed: train one, or name a photo.")
    subject = _clip(options) if clip else _photo(options)
    target = _target(options, [entry.about["classes"] for entry in chosen])
    results = _explain(options, chosen, known, subject.sampled, target)
    titles = {entry.id: entry.title for entry in chosen}
    rows = [row for r in results for row in _rows(options, titles[r.model], r, subject, target)]
    if not rows:
        raise MlError(f"None of these models has maps of {options.sheet} at {options.stage}.")
    name = table_title(options.photo.name, options.place.share if options.place else None)
    draw(
        rows,
        subject.columns,
        options.output,
        options.output.suffix.lstrip(".").lower(),
        _style(options, clip=clip),
        title=sheet_title(name, options.stage, options.sheet) if clip else name,
        note=in_words(options.channel),
        aspect=subject.aspect,
    )
    if options.npz:
        arrays = dict(pair for result in results for pair in _arrays(result))
        np.savez_compressed(options.npz, **arrays)  # type: ignore[arg-type]
    print(f"{options.output}: {len(rows)} rows, {sum(r.seconds for r in results):.2f} s of compute")
    for result in results:
        if result.clip is not None or result.target_index is None:
            print(f"  {result.model:20} {_summary(result, target)}")


def _style(options: argparse.Namespace, *, clip: bool) -> Style:
    colormap = options.colormap or ("vik" if options.signed else "viridis")
    scale: Scale = "row" if clip else options.scale
    return Style(colormap, options.alpha, scale, signed=options.signed)


def is_clip(path: Path) -> bool:
    """Whether a file begins as a clip does; a GIF, if it moves."""
    with path.open("rb") as file:
        kind = signature.kind(file.read(signature.HEAD))
    if kind != "gif":
        return kind == "clip"
    with Image.open(path) as image:
        return bool(getattr(image, "is_animated", False))


def _chosen(
    options: argparse.Namespace, known: Sequence[CatalogueEntry], clip: bool
) -> Sequence[CatalogueEntry]:
    if not options.models:
        return [entry for entry in known if entry.about.get("default", True)]
    chosen = [
        _trained(Path(name), clip) if name.endswith(SUFFIX) else find(name, known)
        for name in options.models
    ]
    if twice := [name for name, count in Counter(e.id for e in chosen).items() if count > 1]:
        raise MlError(f"Two of the models are called {twice[0]}: name one, or rename a file.")
    return chosen


def _trained(path: Path, clip: bool) -> CatalogueEntry:
    """Return a checkpoint of one's own, which is called as its file is."""
    if not path.is_file():
        raise MlError(f"There is no file {path}.")
    entry = CatalogueEntry.of(checkpoints.read(path), path.stem, title=path.stem)
    if (entry.kind == "clip") != clip:
        kinds = ("clips", "a photo") if entry.kind == "clip" else ("photos", "a clip")
        raise MlError(f"{path} looks at {kinds[0]}, and this is {kinds[1]}: name another model.")
    return entry


def _photo(options: argparse.Namespace) -> _Subject:
    facts, photo = read(options.photo)
    if facts.note:
        print(f"{options.photo.name}: {facts.note}")
    if options.place:
        seen, shown = (made_small(photo, side, options.place) for side in (options.size, SHARP))
        return _Subject(Sampled.of_photo(seen), [(stage, shown) for stage in COLUMNS], 1.0)
    fit: Fit = options.fit or "shape"
    shown = fitted(photo, SHARP, fit)
    return _Subject(
        Sampled.of_photo(fitted(photo, options.size, fit)),
        [(stage, shown) for stage in COLUMNS],
        1.0 if fit == "crop" else photo.width / photo.height,
    )


def _clip(options: argparse.Namespace) -> _Subject:
    if options.place:
        raise MlError("--place: only a photo can be made small; leave it out for a clip.")
    if options.fit == "crop":
        raise MlError("--fit: the frames of a clip are seen whole; choose shape or squash.")
    sampled = sample_clip(
        options.photo, options.segments, 11, options.size, options.from_s, options.to_s,
        options.flow, options.fit or CLIP_FIT,
    )  # fmt: skip
    headings = [f"{moment:.2f} s" for moment in sampled.snippet_times]
    facts = inspect(options.photo)[0]
    columns = list(zip(headings, sampled.rgb, strict=True))
    return _Subject(sampled, columns, facts.width / facts.height)


def _target(options: argparse.Namespace, lists: Sequence[Sequence[str]]) -> Target:
    """Return the class asked for; MlError for a number that is an index and another's name."""
    if options.target_class is not None:
        return Named(options.target_class)
    if options.target_index is not None:
        return int(options.target_index)
    text: str = TOP if options.target is None else options.target
    if not (text.isascii() and text.isdigit()):
        return text
    if any(find_class(text, classes) not in (None, int(text)) for classes in lists):
        raise MlError(
            f"--target {text} is the index of a class and the name of another: write "
            f"--target-index {text} or --target-class {text}."
        )
    return int(text)


def _explain(
    options: argparse.Namespace,
    chosen: Sequence[CatalogueEntry],
    known: Sequence[CatalogueEntry],
    sampled: Sampled,
    target: Target,
) -> list[Explanation]:
    """Explain by every model; those that do not know the target only if another one does."""
    in_some = any(known_target(target, entry.about["classes"]) is not None for entry in chosen)
    device = default_device(options.device)
    methods = tuple(options.methods)
    thousand = next((entry for entry in known if entry.id == IMAGENET_ID), None)
    imagenet = ImageNet(IMAGENET_ID, lambda: load(thousand, device) if thousand else None, sampled)
    with tqdm(chosen, unit="model", leave=False, disable=None) as bar:
        return [
            explain(
                load(entry, device),
                sampled,
                target=known_target(target, entry.about["classes"]) if in_some else target,
                methods=(*methods, options.sheet) if entry.kind == "clip" else methods,
                imagenet=imagenet if entry.kind == "image" else None,
            )
            for entry in bar
        ]


def _rows(
    options: argparse.Namespace, title: str, result: Explanation, subject: _Subject, target: Target
) -> Iterator[Row]:
    caption, columns = _answer(result), len(subject.columns)
    if result.clip is None:
        asked = options.methods
        tracks = by_channel(result.tracks, options.channel)
        yield from by_stage(title, caption, tracks)
    else:
        asked, kind = [options.sheet], (options.stage, options.sheet)
        shown = [track for track in result.tracks if (track.stage, track.method) == kind]
        yield from by_moment(title, caption, shown, columns)
    if result.target_index is None:
        for method in dict.fromkeys(name for name in asked if METHODS[name].function):
            yield without(title, caption, method, lacking(target), columns)


def _answer(result: Explanation) -> str:
    best = int(result.probabilities.argmax())
    return answer(
        result.classes[best], float(result.probabilities[best]), abstained=result.abstained
    )


def _summary(result: Explanation, target: Target) -> str:
    """The answer of a model, and of a clip which stream and moment added most to the target."""
    if result.target_index is None or result.clip is None:
        return f"{_answer(result)}; {lacking(target)}"
    name, scores = result.classes[result.target_index], result.clip
    stream, step = max(
        ((s, k) for s, values in scores.shares.items() for k in range(len(values))),
        key=lambda place: scores.shares[place[0]][place[1]],
    )
    sums = ", ".join(f"{s} {float(values.sum()):+.2f}" for s, values in scores.shares.items())
    return (
        f"{_answer(result)}; logit of {name}: {sums}; "
        f"most from {stream} at {scores.times[step]:.2f} s"
    )


def _arrays(result: Explanation) -> Iterator[tuple[str, np.ndarray]]:
    """Raw maps by model/stage/method.

    Of a clip by model/stream/stage/method, with their times under times/.
    """
    for track in result.tracks:
        if result.clip is None:
            yield f"{result.model}/{track.stage}/{track.method}", track.values[0]
        else:
            name = f"{result.model}/{track.stream}/{track.stage}/{track.method}"
            yield name, track.values
            yield f"times/{name}", track.times
    if result.clip is not None:
        for stream, shares in result.clip.shares.items():
            yield f"shares/{result.model}/{stream}", shares


COMMAND = Command(
    "draw masks and Grad-CAM: the table of a photo, the contact sheet of a clip", _options, _run
)
