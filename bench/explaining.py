"""The cost of maps relative to the forward pass that they explain."""

from __future__ import annotations

from statistics import median

from bench.models import Model, batch, photo, plain, plain_forward, shipped
from bench.report import Row, Section
from bench.timing import Pair, alternate, pair
from ml.explain.explain import explain
from ml.explain.maps import explain_images
from ml.networks.video.types import Sampled

GOALS = {1: 1.35, 16: 1.0}


def section(rounds: int) -> Section:
    """Time Grad-CAM for one image and for 16, masks alone, and the whole table."""
    rows = [_gradcam(size, rounds if size == 1 else max(5, rounds // 4)) for size in GOALS]
    return Section(
        "Maps beside the forward pass",
        (*rows, _masks(rounds), _table(max(5, rounds // 3))),
        (
            (
                "The forward pass compared with is the network as trained: eager, BatchNorm in "
                "place, `inference_mode`, torch's default memory order (channels last is part of "
                "what makes ours quick), the same threads and allocator."
            ),
            "Plain eager Grad-CAM is the same code on that network, without folding.",
            (
                "The photo keeps its shape, as by default; the table has the rows that a photo has "
                f"by default: {', '.join(model.entry.id for model in shipped())}."
            ),
        ),
    )


def _gradcam(size: int, rounds: int) -> Row:
    model, images = plain(), batch(size)
    ours, eager, forward, folded = alternate(
        [
            lambda: explain_images(model.ready.network, images, methods=("gradcam",)),
            lambda: explain_images(model.eager, images, methods=("gradcam",)),
            lambda: plain_forward(model.eager, images),
            lambda: plain_forward(model.ready.network, images),
        ],
        rounds,
    )
    times = Pair(ours, forward)
    return Row(
        f"Grad-CAM of three stages and combined, plain model, batch {size}, 224 px",
        "one plain eager forward",
        f"{times}. Plain eager Grad-CAM {median(eager) / median(forward):.2f} x; "
        f"the folded forward alone {median(folded) / median(forward):.2f} x",
        f"at most {GOALS[size]:.2f} x",
        times.ratio <= GOALS[size],
    )


def _masks(rounds: int) -> Row:
    times = {m.entry.id: _mask_pair(m, rounds) for m in shipped() if m.entry.mechanism != "plain"}
    worst = max(times, key=lambda name: times[name].ratio)
    each = ", ".join(f"{name} {p.ratio:.3f}" for name, p in times.items())
    return Row(
        "All masks of a model with attention, and combined, one image",
        "its own forward without returning masks",
        f"worst {worst} {times[worst]}; {each}",
        "at most 1.05 x",
        times[worst].ratio <= 1.05,
    )


def _mask_pair(model: Model, rounds: int) -> Pair:
    network, images = model.ready.network, batch(1)
    return pair(
        lambda: explain_images(network, images, methods=("attention",)),
        lambda: plain_forward(network, images),
        2 * rounds,
    )


def _table(rounds: int) -> Row:
    models, images, seen = shipped(), batch(1), Sampled.of_photo(photo())
    results = [explain(m.ready, seen) for m in models]
    maps = sum(t.values.ndim == 3 for r in results for t in r.tracks)
    stacks = sum(t.values.ndim == 4 for r in results for t in r.tracks)
    table, forwards, folded = alternate(
        [
            lambda: [explain(m.ready, seen) for m in models],
            lambda: [plain_forward(m.eager, images) for m in models],
            lambda: [plain_forward(m.ready.network, images) for m in models],
        ],
        rounds,
    )
    times = Pair(table, forwards)
    return Row(
        f"The whole table: {len(models)} rows, {maps} maps and {stacks} stacks of channel masks",
        "the sum of their plain eager forwards",
        f"{times}; {median(table) / median(folded):.2f} x of their folded forwards",
        "at most 2.0 x",
        times.ratio <= 2.0,
    )


def probe(size: int, rounds: int) -> tuple[float, float]:
    """Return median seconds of Grad-CAM and of a forward (for `bench.process`)."""
    model, images = plain(), batch(size)
    times = pair(
        lambda: explain_images(model.ready.network, images, methods=("gradcam",)),
        lambda: plain_forward(model.eager, images),
        rounds,
    )
    return median(times.a), median(times.b)
