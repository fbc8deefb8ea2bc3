"""What the ends of a clip's colours stand for, and how a look is said."""

from __future__ import annotations

import pytest

from app.db.tables import Heatmap
from app.jobs.parameters import Look, Scale
from worker.analysis import looks


def moment(
    stage: str, low: float, high: float, model: str = "one", unit: str = "evidence"
) -> Heatmap:
    return Heatmap(
        model=model, stream="rgb", stage=stage, method="gradcam", unit=unit, shape=[7, 7],
        min=low, max=high, target="fight",
    )  # fmt: skip


LATE = [moment("late", -1, 2), moment("late", -3, 1)]
OTHERS = [
    moment("early", -4, 1),
    moment("late", 0, 9, "two"),
    moment("combined", 0, 99, unit="combined"),
]


@pytest.mark.parametrize(
    ("scale", "plain", "signed"),
    [
        ("map", (0, 2), (-3, 3)),  # over all moments of the track
        ("row", (0, 2), (-4, 4)),
        ("shared", (0, 9), (-9, 9)),
        ("absolute", (0, 20 / 49), (-20 / 49, 20 / 49)),
    ],
)
def test_a_track_has_one_scale_for_all_moments(
    scale: Scale, plain: tuple[float, float], signed: tuple[float, float]
) -> None:
    maps = LATE + OTHERS
    assert looks.ends(LATE[0], maps, Look(scale=scale)) == pytest.approx(plain)
    assert looks.ends(LATE[0], maps, Look(scale=scale, signed=True)) == pytest.approx(signed)


def test_what_has_no_sign_takes_the_upper_half() -> None:
    assert looks.ends(OTHERS[2], OTHERS, Look(signed=True)) == (-99, 99)


def test_a_look_is_said_in_a_line() -> None:
    look = Look(colormap="vik", signed=True, threshold=0.25, smooth=False, alpha=1, scale="row")
    assert looks.note(look, of_clip=True) == (
        "Colours: vik, signed: against, 0, for; one scale along a row; the maps’ own grid; "
        "hidden below 25% of the scale; opacity 100%."
    )
