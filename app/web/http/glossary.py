"""The words that pages explain, on hover, focus and touch: see templates/_glossary.html.jinja."""

from __future__ import annotations

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "stage": "Where in the network a map is taken. Early: a fine grid, edges and textures. Late: a "
    "coarse grid, whole objects. Combined: the mean of the three, each scaled to 0–1.",
    "mask": "A map that the network has learnt and multiplies its features by: where it is high, "
    "the features count. It belongs to the network, not to one class.",
    "gradcam": "Evidence for one class, computed afterwards from the features and the gradient of "
    "the class’s logit. It works with every network, also with one that learns no mask.",
    "logit": "A class’s raw score, before the softmax turns all scores into probabilities. One "
    "more multiplies the odds by 2.7.",
    "share": "How much of the whole mask lies at one place: all places add up to 1. An even mask "
    "gives each of 196 places 1/196.",
    "interval": "Few photos say little. In brackets: the share of right answers that these counts "
    "are compatible with (95 % interval, Wilson).",
}
