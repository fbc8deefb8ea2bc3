"""How sure a model is: calibrated probabilities, and whether it knows such pictures at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.calibration.domain import all_scores
from ml.explain.results import LoadedModel
from ml.networks.network import Network
from ml.networks.video.inputs import prepare
from ml.networks.video.still import StillNetwork
from ml.networks.video.types import Sampled
from ml.networks.weights import imagenet_classes

HALF = 0.5  # `in_domain` at a rule's threshold


class ImageNet:
    """What the 1000-class network says of a photo, for the rules that ask it; at most once.

    Args:
        model_id: Its id: where its own row is made, its logits are taken from there.
        find: Returns the network, or None where it is not installed.
        sampled: The pixels of the analysis.
    """

    def __init__(
        self, model_id: str, find: Callable[[], LoadedModel | None], sampled: Sampled
    ) -> None:
        self._model_id, self._find, self._sampled = model_id, find, sampled
        self._asked = False
        self._logits: Tensor | None = None

    def note(self, model: LoadedModel, logits: Tensor) -> None:
        """Keep a model's logits (C,) if it is this one."""
        if model.id == self._model_id:
            self._asked, self._logits = True, logits

    def logits(self) -> Tensor | None:
        """Return the logits (1000,), or None without the network, or if it is damaged."""
        if not self._asked:
            self._asked = True
            model = self._find()
            logits = None if model is None else self._forward(model)
            sound = logits is not None and bool(torch.isfinite(logits).all())
            self._logits = logits if sound else None  # its damage is not the other models'
        return self._logits

    @torch.no_grad()
    def _forward(self, model: LoadedModel) -> Tensor:
        assert isinstance(model.network, Network)
        network = StillNetwork(model.network)
        logits: Tensor = network(prepare(network, [self._sampled], model.device)).logits[0]
        return logits.float()


@dataclass(frozen=True)
class Certainty:
    """Probabilities (C,), and how likely the picture is of the model's kind, 0..1.

    in_domain: None if the model has no rule, or what its rule asks is not installed.
    """

    probabilities: Tensor
    in_domain: float | None

    @property
    def abstained(self) -> bool:
        """Whether the picture seems to be none of what the model knows."""
        return self.in_domain is not None and self.in_domain < HALF


def certainty(model: LoadedModel, logits: Tensor, imagenet: ImageNet | None = None) -> Certainty:
    """Apply a model's calibration to its logits (C,) for one photo or clip.

    Args:
        model: The model; without a calibration, its temperature is 1 and it never abstains.
        logits: Raw.
        imagenet: The 1000-class network's answer to the same pixels.
    """
    calibration = model.calibration
    if calibration is None:
        return Certainty(logits.softmax(0), None)
    scaled = logits / calibration.temperature
    domain, probabilities = calibration.domain, scaled.softmax(0)
    if domain is None:
        return Certainty(probabilities, None)
    asked, places = None, _places(model.classes) if domain.asks_imagenet else []
    if places and imagenet is not None:
        asked = imagenet.logits()
    score = all_scores(scaled[None].cpu(), None if asked is None else asked[None].cpu(), places)
    if domain.rule not in score:
        return Certainty(probabilities, None)
    return Certainty(probabilities, domain.in_domain(float(score[domain.rule][0])))


def _places(classes: Sequence[str]) -> list[int]:
    """Return the classes' indices among ImageNet's 1000; empty if one is not there."""
    known = imagenet_classes()
    return [known.index(name) for name in classes] if set(classes) <= set(known) else []
