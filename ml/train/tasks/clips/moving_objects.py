"""Clips of a thing that moves over a ground, seen by a camera that moves by itself.

The thing is a whole photo, with its own borders, as a card on the ground. The camera's way, hand
shake, noise, and all of the middle frame are drawn before the thing's movement is, from the same
distributions for every movement, and the movement unfolds evenly before and after that frame. So
neither the middle frame nor the way of the ground reveals the label. The camera always drifts, up
to much faster than the thing changes the frame's mean motion: that reveals next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ml.errors import MlError
from ml.media.place import TILE, scrambled
from ml.train.tasks.clips.camera_motion import Movement
from ml.train.tasks.clips.warps import (
    FRAMES,
    Pixels,
    Pose,
    from_corner,
    middle_view,
    put_on,
    shifted,
    turned,
    warped,
)

Points = npt.NDArray[np.float64]
Boxes = npt.NDArray[np.float32]

# A thing moves right as the picture moves under a camera that pans left: a card's pose takes its
# own pixels to the ground, a camera's the frame's. So the same poses serve, under other names.
CAMERAS = {
    "still": "still",
    "left": "pan left",
    "right": "pan right",
    "up": "pan up",
    "down": "pan down",
    "larger": "zoom out",
    "smaller": "zoom in",
    "turning left": "rotate left",
    "turning right": "rotate right",
}
MOVEMENTS = tuple(CAMERAS)

SLOWEST = 0.25  # of the full speeds, which are for each frame:
MOVE = 0.012  # of the frame's side: 2.7 px at 224 px
GROW = 0.04  # of the thing's size
TURN = 0.04  # radians
DRIFT = 0.017  # of the frame's side, by the camera, each way
CAMERA_ZOOM = 0.012
CAMERA_TURN = 0.012  # radians
SHAKE = 0.006  # of the frame's side, and half as many radians: the most that a hand shakes by
NOISE = 6.0  # grey levels, the largest deviation

SHARES = (0.25, 0.6)  # of the frame's side: the thing's longer side
SECOND_SHARES = (0.2, 0.35)
TRIES = 24  # places for a second thing; if it has room at none, it is left out
GROUND = 1.85  # sides of the ground, in frames


@dataclass(frozen=True)
class MovingClip:
    """Frames uint8 [F, S, S, 3], and where the things are, as fractions of the side.

    boxes: float32 [F, 4], left, top, right, bottom: upright and around the whole card.
    second: The same of the thing that stays where it is on the ground; None without one.
    ground: float64 [F, 3, 3], where a frame's pixels, from its centre, lie in the middle frame if
        they show the ground.
    """

    frames: Pixels
    boxes: Boxes
    second: Boxes | None
    ground: Points

    @property
    def middle(self) -> int:
        """The frame that the RGB stream sees."""
        return (len(self.frames) - 1) // 2


def draw(name: str, rng: np.random.Generator) -> Movement:
    """Return a thing's movement from a quarter to its full speed; MlError names the known ones."""
    if name not in CAMERAS:
        raise MlError(f"There is no movement {name!r}. Known: {', '.join(MOVEMENTS)}.")
    camera = CAMERAS[name]
    full = {"pan": MOVE, "zoom": GROW, "rotate": TURN}.get(camera.split()[0], 0.0)
    return Movement(camera, _speed(full, rng))


def ground_of_tiles(picture: Pixels, rng: np.random.Generator, size: int = 224) -> Pixels:
    """Return a ground without any thing: the shuffled tiles of a picture, uint8 [S, S, 3]."""
    tile = max(1, round(TILE * size / 224))
    return scrambled(picture, round(GROUND * size), tile, int(rng.integers(2**31)))


def ground_of_photo(picture: Pixels, size: int = 224) -> Pixels:
    """Return a photo at the size that a ground needs, at its own proportions."""
    return _fitted(picture, round(GROUND * size), min(picture.shape[:2]))


def moving_clip(
    thing: Pixels,
    movement: str | Movement,
    ground: Pixels,
    rng: np.random.Generator,
    *,
    second: Pixels | None = None,
    frames: int = FRAMES,
    size: int = 224,
) -> MovingClip:
    """Return a clip of a thing that moves.

    Args:
        thing: A photo, uint8 [H, W, 3], of any proportions.
        movement: One of `MOVEMENTS` at a random speed, or what `draw` returned.
        ground: What it moves over: `ground_of_tiles` or `ground_of_photo` with the same size.
        rng: Draws everything; its state afterwards does not depend on the movement.
        second: A photo that may stay still on the ground.
        frames: How many. Of more than 11, each is slower: the way stays as long.
        size: The frames' side, in pixels.
    """
    known = draw(movement, rng) if isinstance(movement, str) else movement
    slower = min(1.0, (FRAMES - 1) / max(1, frames - 1))
    times: Points = (np.arange(frames, dtype=float) - (frames - 1) // 2) * slower
    camera = _camera(times, size, rng)
    view = middle_view(ground, rng, _farthest(camera, size))
    seen = _always_seen(camera, size)
    picture = _fitted(thing, rng.uniform(*SHARES) * size, max(thing.shape[:2]))
    reach = _reach(picture, float(np.abs(times).max()), size)
    place = _placed(seen, reach, rng)
    cards = [_Card(picture, [shifted(*place) @ known.pose(float(t), size) for t in times])]
    if second is not None and (other := _second(second, seen, (place, reach), size, rng)):
        cards.append(_Card(other.picture, other.poses * frames))
    clip = _drawn(ground, view, camera, cards, size)
    _add_noise(clip, rng)
    boxes = [_boxes(card, camera, size) for card in cards]
    return MovingClip(clip, boxes[0], boxes[1] if len(boxes) > 1 else None, camera)


@dataclass(frozen=True)
class _Card:
    """A picture, and where its pixels, from its centre, lie on the ground, frame by frame."""

    picture: Pixels
    poses: list[Pose]


def _speed(full: float, rng: np.random.Generator) -> float:
    share = rng.random()  # drawn without a speed too, so that what is drawn next is the same
    return float(full * SLOWEST ** (1 - share))


def _camera(times: Points, size: int, rng: np.random.Generator) -> Points:
    """[F, 3, 3]: from each frame to the ground; a drift with a zoom, a turn or neither, shaken."""
    kind = rng.choice(("still", "zoom in", "zoom out", "rotate left", "rotate right"))
    full = {"zoom": CAMERA_ZOOM, "rotate": CAMERA_TURN}.get(kind.split()[0], 0.0)
    movement = Movement(str(kind), _speed(full, rng))
    drift = rng.uniform(-DRIFT, DRIFT, 2) * size
    strength = rng.random() * SHAKE
    shakes = np.clip(rng.normal(size=(len(times), 3)) / 2, -1, 1) * strength * (size, size, 0.5)
    shakes[(len(times) - 1) // 2] = 0
    poses = []
    for time, (x, y, angle) in zip(times, shakes, strict=True):
        shake = shifted(x, y)
        shake[:2, :2] = turned(angle)
        poses.append(shifted(*drift * time) @ movement.pose(float(time), size) @ shake)
    return np.stack(poses)


def _corners(width: float, height: float) -> Points:
    """[3, 4]: upper left, upper right, lower right, lower left, in pixels from the centre."""
    x, y = width / 2, height / 2
    return np.array([[-x, x, x, -x], [-y, -y, y, y], [1, 1, 1, 1.0]])


def _farthest(camera: Points, size: int) -> float:
    """How far from the middle frame's centre the camera ever sees, in pixels."""
    edges = (camera @ _corners(size, size))[:, :2]
    return float(np.hypot(edges[:, 0], edges[:, 1]).max())


def _always_seen(camera: Points, size: int) -> tuple[Points, Points]:
    """Upper left and lower right of a part of the ground, [2] each, that is in every frame."""
    x, y = np.moveaxis((camera @ _corners(size, size))[:, :2], 1, 0)
    low = (x[:, [0, 3]].max(), y[:, [0, 1]].max())
    high = (x[:, [1, 2]].min(), y[:, [2, 3]].min())
    return np.array(low) + 0.5, np.array(high) - 0.5


def _reach(picture: Pixels, time: float, size: int) -> Points:
    """How far from its middle place a thing ever takes ground, [2], by any of the movements."""
    half = np.array(picture.shape[1::-1]) / 2
    turn = TURN * time
    turning = half * math.cos(turn) + half[::-1] * math.sin(turn)
    ways = (half + MOVE * size * time, half * math.exp(GROW * time), turning)
    return np.asarray(np.max(ways, 0))


def _placed(seen: tuple[Points, Points], reach: Points, rng: np.random.Generator) -> Points:
    """A place for a thing's centre, [2], from which it stays in what is seen."""
    low, high = seen[0] + reach, seen[1] - reach
    return low + rng.random(2) * np.maximum(high - low, 0)


def _second(
    photo: Pixels,
    seen: tuple[Points, Points],
    taken: tuple[Points, Points],
    size: int,
    rng: np.random.Generator,
) -> _Card | None:
    """A card that lies still, beside the ground that the thing may take; None without room."""
    picture = _fitted(photo, rng.uniform(*SECOND_SHARES) * size, max(photo.shape[:2]))
    half = np.array(picture.shape[1::-1]) / 2
    tried = [_placed(seen, half, rng) for _ in range(TRIES)]
    free = (p for p in tried if (np.abs(p - taken[0]) > half + taken[1]).any())
    place = next(free, None)
    return None if place is None else _Card(picture, [shifted(*place)])


def _drawn(ground: Pixels, view: Pose, camera: Points, cards: list[_Card], size: int) -> Pixels:
    """The frames: the ground, the second card, and over both the thing."""
    frames = np.empty((len(camera), size, size, 3), np.uint8)
    corner = from_corner(size, size)
    for number, pose in enumerate(camera):
        frames[number] = warped(ground, view @ pose @ corner, size)
        for card in reversed(cards):
            height, width = card.picture.shape[:2]
            to_card = np.linalg.inv(from_corner(width, height)) @ np.linalg.inv(card.poses[number])
            put_on(frames[number], card.picture, to_card @ pose @ corner)
    return frames


def _boxes(card: _Card, camera: Points, size: int) -> Boxes:
    """[F, 4]: the card in each frame, as fractions of its side."""
    height, width = card.picture.shape[:2]
    places = (np.linalg.inv(camera) @ np.stack(card.poses) @ _corners(width, height))[:, :2]
    edges = np.concatenate([places.min(2), places.max(2)], 1)
    return np.asarray(edges / size + 0.5, np.float32)


def _add_noise(frames: Pixels, rng: np.random.Generator) -> None:
    """Add grain to the frames, in place: as strong in all, in each another piece of one sheet."""
    size = frames.shape[1]
    sheet = rng.standard_normal((size + 64, size + 64), np.float32) * (rng.random() * NOISE)
    grain = cv2.merge([np.rint(sheet).astype(np.int8)] * 3)
    for frame, (y, x) in zip(frames, rng.integers(0, 65, (len(frames), 2)), strict=True):
        cv2.add(frame, grain[y : y + size, x : x + size], dst=frame, dtype=cv2.CV_8U)


def _fitted(photo: Pixels, side: float, of: int) -> Pixels:
    """Return the photo resized so that its side of `of` pixels gets `side`."""
    height, width = (max(1, round(length * side / of)) for length in photo.shape[:2])
    how = cv2.INTER_AREA if side < of else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo, (width, height), interpolation=how), np.uint8)
