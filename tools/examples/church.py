"""A village church at dusk: each wall is a plane that every sample's ray is cut with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.examples.canvas import (
    HEIGHT,
    SIZE,
    WIDTH,
    Array,
    blur,
    develop,
    grid,
    mask,
    mix,
    noise,
    ramp,
    step,
)
from tools.examples.church_walls import (
    COLD,
    STONE,
    masonry,
    nave_side,
    slates,
    tower_front,
    tower_side,
)

Mask = NDArray[np.bool_]
Vector = tuple[float, float, float]

EYE = np.array((33.0, 1.7, -34.0), np.float32)  # metres: x right, y up, z away
AT = np.array((11.0, 13.2, 8.0), np.float32)
FOCAL = 985.0  # picture pixels
LAMP = np.array((1.0, 0.60, 0.25), np.float32)


@dataclass(frozen=True)
class Face:
    """A flat piece: corner, its two directions in metres, outline(u, v), material and light."""

    corner: Vector
    across: Vector
    up: Vector
    outline: Callable[[Array, Array], Mask]
    paint: Callable[[Array, Array], Array]
    dusk: float  # how much of the sky's cold light it gets
    lamps: float = 0.0  # floodlights at its foot


def _camera() -> tuple[Array, Array, Array]:
    """Return the unit vectors ahead, right and above of the camera."""
    ahead = (AT - EYE) / np.linalg.norm(AT - EYE)
    right = np.cross((0, 1, 0), ahead)
    right /= np.linalg.norm(right)
    return ahead, right, np.cross(ahead, right)


def _rays() -> Array:
    """Return the directions [h, w, 3] of every sample's ray."""
    x, y = grid()
    ahead, right, above = _camera()
    return (
        ahead
        + right * ((x - WIDTH / 2) / FOCAL)[..., None]
        + above * ((HEIGHT / 2 - y) / FOCAL)[..., None]
    ).astype(np.float32)


def _cut(rays: Array, face: Face) -> tuple[Array, Array, Array]:
    """Return u, v in metres on the face's plane and the distance (inf behind the eye)."""
    a, b, c = (np.array(t, np.float32) for t in (face.across, face.up, face.corner))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    normal = np.cross(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = ((c - EYE) @ normal) / (rays @ normal)
    far = np.where(far > 0.1, far, np.inf)
    hit = EYE + rays * np.where(np.isfinite(far), far, 0)[..., None] - c
    v = hit @ (b - a * (a @ b)) / (1 - (a @ b) ** 2)
    return (hit @ a - v * (a @ b)).astype(np.float32), v.astype(np.float32), far


def _rect(width: float, height: float) -> Callable[[Array, Array], Mask]:
    return lambda u, v: (u > 0) & (u < width) & (v > 0) & (v < height)


def _gable(width: float, wall: float, ridge: float) -> Callable[[Array, Array], Mask]:
    slope = (ridge - wall) / (width / 2)
    return lambda u, v: (
        (u > 0) & (u < width) & (v > 0) & (v < wall + slope * (width / 2 - np.abs(u - width / 2)))
    )


def _faces() -> list[Face]:
    """The building."""
    faces = [
        Face((-3, 0, 0), (1, 0, 0), (0, 1, 0), _rect(6, 19), tower_front, 0.62, 1.0),
        Face((3, 0, 0), (0, 0, 1), (0, 1, 0), _rect(6, 19), tower_side, 0.42, 0.75),
        Face(
            (-5.5, 0, 6),
            (1, 0, 0),
            (0, 1, 0),
            _gable(11, 8, 14),
            lambda u, v: masonry(u, v, STONE),
            0.6,
            0.8,
        ),
        Face((5.5, 0, 6), (0, 0, 1), (0, 1, 0), _rect(24, 8), nave_side, 0.42, 0.8),
        Face((6.0, 7.6, 5.7), (0, 0, 1), (-6.0, 6.6, 0), _rect(24.6, 8.92), slates, 0.95),
    ]
    for k in range(6):
        z = 5.95 + 4.7 * k
        stone = lambda u, v: masonry(u, v, STONE)  # noqa: E731 - a paint, not a name
        faces.append(
            Face(
                (5.5, 0, z),
                (1, 0, 0),
                (0, 1, 0),
                lambda u, v: (u > 0) & (u < 0.9 - 0.06 * v) & (v > 0) & (v < 6.4 - 0.9 * u),
                stone,
                0.6,
                0.9,
            )
        )
        faces.append(Face((6.4, 0, z), (0, 0, 1), (-0.06, 1, 0), _rect(0.7, 5.6), stone, 0.42, 0.8))
    return faces + _spire()


def _spire() -> list[Face]:
    """Two visible sides of the spire, with eaves."""
    height, half = 15.0, 3.35
    slant = float(np.hypot(height, half))
    side = lambda u, v: (v > 0) & (np.abs(u - half) < half * (1 - v / slant))  # noqa: E731
    return [
        Face((-half, 18.75, -0.35), (1, 0, 0), (0, height, half), side, slates, 0.95),
        Face((half, 18.75, -0.35), (0, 0, 1), (-half, height, 0), side, slates, 0.62),
    ]


def _light(face: Face, u: Array, v: Array) -> Array:
    """Light on a face: the cold sky and the warm lamps at its foot."""
    flood = (
        face.lamps
        * 2.3
        * np.exp(-((v - 0.5) / 6.0).clip(0))
        * (1 + 0.30 * np.cos(u * 2 * np.pi / 4.7 + 2.6))
    )
    rise = 0.75 + 0.25 * step(0, 16, v)
    return (COLD * face.dusk * 1.25) * rise[..., None] + LAMP * flood[..., None]


def _build(scene: Array, rays: Array) -> Array:
    """Draw every face where it is nearest."""
    nearest = np.full(SIZE, np.inf, np.float32)
    for face in _faces():
        u, v, far = _cut(rays, face)
        seen = face.outline(u, v) & (far < nearest)
        paint = face.paint(u, v)
        bright = paint.max(-1, keepdims=True) > 0.5  # what shines by itself
        lit = np.where(bright, paint, paint * _light(face, u, v))
        scene = np.where(seen[..., None], lit, scene)
        nearest = np.where(seen, far, nearest)
    return scene


def _at(point: Vector) -> tuple[float, float]:
    """Return where a point of the world lies in the picture."""
    ahead, right, above = _camera()
    d = np.array(point, np.float32) - EYE
    depth = float(d @ ahead)
    return WIDTH / 2 + FOCAL * float(d @ right) / depth, HEIGHT / 2 - FOCAL * float(
        d @ above
    ) / depth


def _cross(scene: Array) -> Array:
    """The cross on the spire, against the sky."""
    x, y = _at((0, 34, 3))
    bars = [
        [(x - 1.8, y + 8), (x + 1.8, y + 8), (x + 1.8, y - 40), (x - 1.8, y - 40)],
        [(x - 12, y - 25), (x + 12, y - 25), (x + 12, y - 28.6), (x - 12, y - 28.6)],
    ]
    return mix(scene, (0.02, 0.022, 0.035), blur(mask(bars), 0.3))


def _sky() -> Array:
    """Afterglow, streaks of cloud, first stars."""
    _x, y = grid()
    sky = ramp(
        y / 760,
        [
            (0, (0.022, 0.05, 0.17)),
            (0.38, (0.07, 0.13, 0.34)),
            (0.66, (0.33, 0.27, 0.42)),
            (0.84, (0.95, 0.46, 0.26)),
            (1, (1.25, 0.72, 0.30)),
        ],
    )
    streak = step(0.35, 2.1, noise(90, (620, 70), 6, 0.5))
    warm = ramp(
        y / 760, [(0, (0.10, 0.10, 0.22)), (0.5, (0.62, 0.26, 0.30)), (1, (1.5, 0.66, 0.24))]
    )
    scene = mix(sky, warm, streak * 0.75)
    rng = np.random.default_rng(12)
    for _ in range(70):
        sx, sy, power = rng.uniform(0, WIDTH), 430 * rng.random() ** 1.6, rng.gamma(1.2, 0.25)
        row, col = int(sy * SIZE[0] / HEIGHT), int(sx * SIZE[1] / WIDTH)
        scene[row : row + 2, col : col + 2] += power * (1 - sy / 520)
    return scene


def _land(scene: Array, rays: Array) -> Array:
    """Hills, firs and the churchyard with its path and the windows' light on the grass."""
    _x, y = grid()
    horizon = _at((-3e4, 1.7, 4e4))[1]
    for seed, base, high, colour in (
        (50, horizon - 34, 15, (0.20, 0.15, 0.25)),
        (51, horizon - 12, 7, (0.05, 0.05, 0.09)),
    ):
        ridge = base + high * noise(seed, (300, 4000), 6, 0.5)[:1]
        scene = mix(scene, colour, step(-1, 1, y - ridge))
    down = rays[..., 1] < -0.002
    far = np.where(down, -EYE[1] / np.where(down, rays[..., 1], -1), 0)
    gx, gz = EYE[0] + rays[..., 0] * far, EYE[2] + rays[..., 2] * far
    blades = 1 + 0.30 * noise(52, (16, 3.0), 5, 0.75) + 0.22 * noise(53, (170, 26), 4)
    grass = blades[..., None] * np.array((0.030, 0.044, 0.034), np.float32) * 0.8
    route = 29.0 * (np.maximum(-gz, 0) / 27) ** 0.82 + 0.3 * np.sin(gz / 2.5)
    path = step(1.25, 0.95, np.abs(gx - route)) * (gz < 0)
    gravel = (1 + 0.3 * noise(54, (3, 2), 3, 0.8))[..., None] * np.array(
        (0.115, 0.10, 0.095), np.float32
    )
    ground = mix(grass, gravel, path)
    pool = sum(
        np.exp(-(((gz - 8.6 - 4.7 * k) / 1.5) ** 2) - ((gx - 9.6) / 3.2) ** 2) for k in range(5)
    )
    pool = 1.6 * pool + 1.8 * np.exp(-((gx / 2.4) ** 2) - ((gz + 1.8) / 2.6) ** 2)
    wash = 0.9 * np.exp(-((np.maximum(gx - 6, 0)) / 3.0) - np.maximum(-gz, 0) / 3.0) * (gx > -6)
    ground = ground * (0.9 + (pool + wash)[..., None] * LAMP * 4.5)
    return np.where(down[..., None], ground, scene)


def _firs(scene: Array) -> Array:
    """Dark firs on both sides."""
    rng = np.random.default_rng(21)
    trees: list[list[tuple[float, float]]] = []
    for x, foot, tall in (
        (40, 772, 270),
        (112, 768, 200),
        (-20, 780, 330),
        (178, 766, 130),
        (1090, 764, 150),
        (1160, 768, 230),
        (1225, 770, 300),
        (232, 764, 90),
    ):
        trees.append([(x - 4, foot + 4), (x + 4, foot + 4), (x, foot - tall)])
        for level in np.linspace(0.04, 0.97, max(12, tall // 6)):
            half = (1 - level) ** 0.85 * tall * 0.22 * rng.uniform(0.7, 1.12)
            y = foot - level * tall
            drop = half * rng.uniform(0.28, 0.5)
            trees.append(
                [
                    (x, y - 0.09 * tall * (1 - level) - 4),
                    (x + half, y + drop),
                    (x + half * 0.5, y + drop * 0.45),
                    (x, y + 2),
                    (x - half * 0.5, y + drop * 0.45),
                    (x - half, y + drop),
                ]
            )
    return mix(scene, (0.010, 0.014, 0.022), blur(mask(trees), 0.5))


def draw() -> Image.Image:
    """Return the picture."""
    rays = _rays()
    scene = _firs(_land(_cross(_sky()), rays))
    scene = _build(scene, rays)
    haze = blur(np.maximum(scene - 1.0, 0), 22)
    return develop(scene + 0.5 * haze, 5, exposure=0.9, grain=0.014)
