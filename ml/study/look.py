"""One pass over a scene: answers, where maps have their maxima, and answers with other masks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from ml.explain.interventions import another, blob, even
from ml.explain.maps import explain_images
from ml.explain.replay import Recording, recording, replay
from ml.localise import hits, points
from ml.networks.network import Network
from ml.networks.types import STAGES, Stage
from ml.networks.weights import normalise
from ml.study.records import ALL, Edit
from ml.study.scenes import Batch, Scene

K = TypeVar("K")
DETAILED = 500  # the first photos of a scene, on which Grad-CAM and interventions are measured
FUNCTIONS: dict[Edit, Callable[[Tensor], Tensor]] = {"even": even, "another": another, "blob": blob}


@dataclass(frozen=True)
class Plan:
    """What is measured on a scene besides the answers.

    evidence: Whether Grad-CAM plays the pointing game too, on the first photos.
    edits: (edit, stage or `all`) pairs; what does not apply to a network is left out.
    """

    evidence: bool = False
    edits: tuple[tuple[Edit, str], ...] = ()


@dataclass
class Seen:
    """What a network did with a scene, photo by photo.

    logits: (N, K).
    hits: (method, stage) -> whether the map's maximum is in a box, (n,); with the centre's.
    edited: (edit, stage or `all`) -> logits of the first photos with other masks, (n, K).
    """

    logits: Tensor
    hits: dict[tuple[str, str], Tensor]
    edited: dict[tuple[Edit, str], Tensor]


def look(network: Network, scene: Scene, plan: Plan, device: str) -> Generator[float, None, Seen]:
    """Show a scene to a network; yield the share done (0..1)."""
    logits: list[Tensor] = []
    found: dict[tuple[str, str], list[Tensor]] = {}
    edited: dict[tuple[Edit, str], list[Tensor]] = {}
    present = masked_stages(network, device) if plan.edits else ()
    for batch in scene.batches():
        detailed = batch.start < DETAILED
        methods = () if not scene.boxed else _methods(plan, detailed)
        with recording(network) as seen:
            images = normalise(batch.pictures.to(device))
            shown = explain_images(network, images, batch.labels.tolist(), methods)
        logits.append(shown.logits.detach().float().cpu())
        for method in [m for m in methods if m in shown.maps]:  # masks by channel come along
            for stage, maps in shown.maps[method].items():
                places = points(maps, images.shape[-1])
                found.setdefault((method, stage), []).append(hits(places, batch.boxes))
        if scene.boxed:
            found.setdefault(("centre", "image"), []).append(_centre(batch))
        if detailed:
            for edit, where, changed in _edited(network, seen, present, plan.edits):
                edited.setdefault((edit, where), []).append(changed)
        yield (batch.start + len(batch.labels)) / len(scene.labels)
    return Seen(torch.cat(logits), _joined(found), _joined(edited))


@torch.inference_mode()
def masked_stages(network: Network, device: str) -> tuple[Stage, ...]:
    """Return the stages at which a network has masks, by asking it about a grey picture."""
    masks = network(torch.zeros((1, 3, 64, 64), device=device)).masks
    return tuple(stage for stage in STAGES if stage in masks)


def _methods(plan: Plan, detailed: bool) -> tuple[str, ...]:
    return ("attention", "gradcam") if plan.evidence and detailed else ("attention",)


def _centre(batch: Batch) -> Tensor:
    return hits(torch.full((len(batch.labels), 2), 0.5), batch.boxes)


def _edited(
    network: Network,
    seen: Recording,
    present: tuple[Stage, ...],
    edits: Iterable[tuple[Edit, str]],
) -> Generator[tuple[Edit, str, Tensor], None, None]:
    for edit, where in edits:
        stages = present if where == ALL else tuple(s for s in present if s == where)
        if stages:
            logits = replay(network, seen, stages[0], _at(stages, FUNCTIONS[edit]))
            yield edit, where, logits.float().cpu()


def _at(
    stages: tuple[Stage, ...], edit: Callable[[Tensor], Tensor]
) -> Callable[[Stage, Tensor], Tensor]:
    """Return what replaces the masks of these stages alone."""
    return lambda stage, mask: edit(mask) if stage in stages else mask


def _joined(parts: dict[K, list[Tensor]]) -> dict[K, Tensor]:
    return {name: torch.cat(tensors) for name, tensors in parts.items()}
