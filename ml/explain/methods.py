"""The explanation methods: what each is called, what it shows, and which networks it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ml.networks.registry import Registry
from ml.networks.types import Unit

Kind = Literal["learnt", "evidence", "channels"]
Needs = Literal["gradients", "masks", "channels", "rollout"]
Cam = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Method:
    """A way to make maps.

    title: as it stands within a sentence. description: one line.
    source: address of the paper, or empty if it depends on the network.
    applies_to: the networks that it fits: all (`gradients`), or those with masks, with masks of
    several channels, or with attention that can be rolled out.
    unit: of its maps before they are combined; None for the unit of the network's masks.
    function: from activations and gradients (B, C, h, w) to maps (B, h, w); None if the network
    itself gives the maps.
    """

    title: str
    kind: Kind
    description: str
    source: str
    applies_to: Needs
    unit: Unit | None
    function: Cam | None = None


METHODS: Registry[Method] = Registry("explanation method", "ml.explain")
FIRST = ("attention", "gradcam", "rollout")


def names(*fits: Needs) -> list[str]:
    """Return the methods that apply to networks with these features, the usual ones first."""
    fitting = [name for name, method in METHODS.items() if method.applies_to in fits]
    return sorted(fitting, key=lambda n: (FIRST.index(n) if n in FIRST else len(FIRST), n))


def described() -> dict[str, dict[str, str]]:
    """Return what people may read of every method, as JSON: name -> its words."""
    fields = ("title", "kind", "description", "source", "applies_to")
    return {name: {f: getattr(method, f) for f in fields} for name, method in METHODS.items()}


def unit_of(method: str, stage: str, mask_unit: Unit) -> Unit:
    """Return the unit of one map.

    Args:
        method: A name in `METHODS`.
        stage: A stage, or `combined`.
        mask_unit: Of the network's masks.
    """
    return "combined" if stage == "combined" else METHODS[method].unit or mask_unit


METHODS.register("attention")(
    Method(
        title="learnt mask",
        kind="learnt",
        description="What the network multiplies its features by; learnt, and of no class.",
        source="",
        applies_to="masks",
        unit=None,
    )
)
METHODS.register("attention-channels")(
    Method(
        title="learnt mask, by channel",
        kind="channels",
        description="The learnt mask before the mean over its channels.",
        source="",
        applies_to="channels",
        unit=None,
    )
)
METHODS.register("rollout")(
    Method(
        title="attention rollout",
        kind="evidence",
        description="Which patches the answer has drawn from, through the attention of all layers.",
        source="https://arxiv.org/abs/2005.00928",
        applies_to="rollout",
        unit="rollout",
    )
)
