"""What one trained network leaves in its run's JSON: figures, and what each photo was answered.

`Packed` numbers are of single photos, in the order of the study (`ml.study.scenes`), and are read
by `ml.study.packing`. Probabilities are those after the network's temperature on ordinary photos.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from ml.study.packing import Packed

VERSION = 2  # of `Measures`
Edit = Literal["even", "another", "blob"]
EDITS: tuple[Edit, ...] = ("even", "another", "blob")
ALL = "all"  # masks of all stages together


class Answers(TypedDict):
    """How good the answers to one scene are.

    count: Photos.
    accuracy: Share that is right.
    temperature: Fitted to all of this scene.
    nll: Mean cross-entropy after temperature, each half scaled by the other half's.
    ece: Expected calibration error after the same.
    nll_transferred: Mean cross-entropy with the temperature of ordinary photos.
    ece_transferred: Calibration error with that.
    predicted: Classes, packed beside the true ones.
    probability: Of the true class, float16.
    """

    count: int
    accuracy: float
    temperature: float
    nll: float
    ece: float
    nll_transferred: float
    ece_transferred: float
    predicted: Packed
    probability: Packed


class Pointing(TypedDict):
    """How often a map's maximum, or the centre, is in a box of the photo.

    count: Photos.
    hit: Share of all.
    small: Share of those with small objects, if they are told apart.
    hits: Of each photo, flags.
    """

    count: int
    hit: float
    small: NotRequired[float]
    hits: Packed


class Intervention(TypedDict):
    """What answers become if masks are replaced, on the first photos of a scene.

    count: Photos.
    accuracy_before, accuracy: With the network's own masks, and with the others.
    changed: Share of photos with another predicted class.
    probability_change: Mean difference of the true class's probability.
    predicted: Classes, packed beside those with the network's own masks.
    """

    count: int
    accuracy_before: float
    accuracy: float
    changed: float
    probability_change: float
    predicted: Packed


class SceneRecord(TypedDict):
    """One kind of photos.

    pointing: method -> stage or `combined` -> figures; and `centre` -> `image`.
    interventions: `even`, `another` or `blob` -> stage or `all` -> figures.
    """

    answers: NotRequired[Answers]
    pointing: NotRequired[dict[str, dict[str, Pointing]]]
    interventions: NotRequired[dict[str, dict[str, Intervention]]]


class Curve(TypedDict):
    """Mean area under a curve of probability / that of the whole photo; photo by photo, float16."""

    mean: float
    values: Packed


class DeletionInsertion(TypedDict):
    """Areas for one map: low is good for deletion, high for insertion."""

    deletion: Curve
    insertion: Curve


class Measures(TypedDict):
    """Everything that is measured on one network.

    version: Of this layout.
    seed: Of subsets, grounds and places.
    side: Of all pictures, in px.
    temperature: Of ordinary photos.
    labels: True classes of the validation images in the order of the study.
    boxed_labels: True classes of the photos with boxes.
    scenes: name -> record.
    deletion_insertion: `map` (the combined mask, or Grad-CAM where there is none), `gaussian`
        and `random` -> areas; and `of`, which map it was.
    """

    version: int
    seed: int
    side: int
    temperature: float
    labels: Packed
    boxed_labels: Packed
    scenes: dict[str, SceneRecord]
    deletion_insertion: dict[str, DeletionInsertion]
