"""Everything the study measures on one trained network, in one go, since weights are not kept."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

import numpy as np

from ml.calibration.temperature import fit_temperature
from ml.explain.prepare import for_inference
from ml.localise import Boxed
from ml.networks.network import Network
from ml.networks.types import STAGES
from ml.study.deletion import deletion_insertion
from ml.study.look import Plan, Seen, look
from ml.study.packing import pack_classes
from ml.study.records import ALL, EDITS, VERSION, Edit, Measures, SceneRecord
from ml.study.scenes import SIDE, Photos, Scene, boxed224
from ml.study.summaries import pointing, scene_record
from ml.train.generators import reported
from ml.train.tasks.photos.data import Images

MANY, FEW = 1000, 500  # photos of a scene
LOOKING = 0.8  # of the time; the rest is deletion and insertion
EVERY_EDIT: tuple[tuple[Edit, str], ...] = tuple((e, s) for s in (*STAGES, ALL) for e in EDITS)
ONE_EDIT: tuple[tuple[Edit, str], ...] = (("even", ALL),)


def measure(
    network: Network,
    validation: Images,
    boxed: Boxed,
    *,
    seed: int = 0,
    device: str = "cpu",
    side: int = SIDE,
) -> Generator[float, None, Measures]:
    """Measure a trained network; yield the share done (0..1) and return its record.

    Args:
        network: Trained on the classes of `validation`; it is not changed.
        validation: The whole validation split.
        boxed: Photos of the same classes with boxes, never trained on.
        seed: Of subsets, grounds and places; the same for all networks that are compared.
        device: Where to compute.
        side: Of all pictures, in px.
    """
    fast, photos = for_inference(network, device), Photos(validation, seed, side)
    plans = _plans(photos, boxed)
    seen = yield from reported(_look_at_all(fast, plans, device), lambda done: LOOKING * done)
    ordinary = plans[0][0]
    temperature = fit_temperature(seen[0].logits, ordinary.labels)
    removal = deletion_insertion(fast, ordinary, temperature, device, seed)
    areas = yield from reported(removal, lambda done: LOOKING + (1 - LOOKING) * done)
    return {
        "version": VERSION,
        "seed": seed,
        "side": side,
        "temperature": round(temperature, 5),
        "labels": pack_classes(ordinary.labels.numpy()),
        "boxed_labels": pack_classes(np.array(boxed.labels)),
        "scenes": {
            scene.name: scene_record(what, scene, temperature)
            for (scene, _), what in zip(plans, seen, strict=True)
        },
        "deletion_insertion": areas,
    }


def measure_untrained(
    network: Network,
    validation: Images,
    boxed: Boxed,
    *,
    seed: int = 0,
    device: str = "cpu",
    side: int = SIDE,
) -> Generator[float, None, dict[str, SceneRecord]]:
    """Play the pointing game with a network as it is before training; as `measure` otherwise.

    Returns:
        Scene -> a record with nothing but `pointing`.
    """
    fast, photos = for_inference(network, device), Photos(validation, seed, side)
    scenes = (boxed224(boxed), photos.placed("placed50", FEW), photos.placed("placed35", FEW))
    plans = [(scene, Plan(evidence=True)) for scene in scenes]
    seen = yield from _look_at_all(fast, plans, device)
    return {
        scene.name: {"pointing": pointing(what, scene.small)}
        for scene, what in zip(scenes, seen, strict=True)
    }


def _plans(photos: Photos, boxed: Boxed) -> list[tuple[Scene, Plan]]:
    """Return all scenes, ordinary photos first, with what is measured on each."""
    return [
        (photos.ordinary(), Plan(edits=EVERY_EDIT)),
        (photos.placed("placed50", MANY), Plan(evidence=True, edits=ONE_EDIT)),
        (photos.placed("placed35", MANY), Plan(evidence=True, edits=EVERY_EDIT)),
        (photos.placed("placed25", FEW), Plan(edits=ONE_EDIT)),
        (photos.placed("placed15", FEW), Plan(edits=ONE_EDIT)),
        (photos.several(FEW), Plan(edits=ONE_EDIT)),
        (photos.pieces(FEW), Plan(edits=EVERY_EDIT)),
        (boxed224(boxed), Plan(evidence=True, edits=ONE_EDIT)),
    ]


def _look_at_all(
    network: Network, plans: list[tuple[Scene, Plan]], device: str
) -> Generator[float, None, list[Seen]]:
    total, done = sum(len(scene.labels) for scene, _ in plans), 0
    seen: list[Seen] = []
    for scene, plan in plans:
        for_all = partial(_in_all, done / total, len(scene.labels) / total)
        seen.append((yield from reported(look(network, scene, plan, device), for_all)))
        done += len(scene.labels)
    return seen


def _in_all(before: float, share: float, done: float) -> float:
    return before + share * done
