"""A round parachute under summer clouds."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tools.examples.canvas import (
    HEIGHT,
    SIZE,
    SUPER,
    Array,
    Point,
    blur,
    develop,
    grid,
    mask,
    mix,
    noise,
    ramp,
    step,
    strokes,
)

CENTRE, RADIUS, TILT, ROLL = (395.0, 330.0), 235.0, -0.30, 0.10
HARNESS = (448.0, 706.0)
GORES, PARTS, RINGS = 24, 14, 72
SUN = np.array([0.50, 0.66, 0.56], np.float32)  # x right, y up, z towards us
RED, WHITE = np.array((0.80, 0.045, 0.025)), np.array((0.86, 0.84, 0.80))


def _sky() -> Array:
    """Blue depth, cumulus lit from the right, hills in the haze."""
    x, y = grid()
    sky = ramp(
        y / HEIGHT, [(0, (0.045, 0.17, 0.50)), (0.55, (0.20, 0.42, 0.78)), (1, (0.62, 0.76, 0.90))]
    )
    sway = 30 * noise(2, (260, 200), 3)
    lift = step(60, 640, y + sway) - 0.9 * step(560, 250, np.hypot(x - 330, y - 300))
    density = step(0.55, 2.0, noise(4, (330, 210), 8, 0.56) + 0.55 * lift)
    towards = sum(_ahead(blur(density, 4 + far / 6), far) for far in (8, 20, 40)) / 3
    light = np.exp(-1.7 * towards) * (0.80 + 0.20 * density)
    cloud = ramp(
        light, [(0.1, (0.42, 0.50, 0.63)), (0.5, (0.80, 0.82, 0.86)), (1, (1.22, 1.16, 1.05))]
    )
    scene = mix(sky, cloud, density * 0.96)
    return _hills(scene)


def _ahead(a: Array, far: int) -> Array:
    """Return what lies `far` picture pixels up and to the right, where the sun is."""
    n = far * SUPER
    return np.pad(a, ((n, 0), (0, n)), "edge")[:-n, n:]


def _hills(scene: Array) -> Array:
    """Three ridges, paler with distance."""
    _x, y = grid()
    for number, (base, colour) in enumerate(
        [(800, (0.36, 0.50, 0.64)), (835, (0.20, 0.32, 0.38)), (868, (0.085, 0.15, 0.12))]
    ):
        row = noise(30 + number, (420 - 90 * number, 4000), 5, 0.42)[:1]
        ridge = base + (20 - 4 * number) * row
        texture = 1 + (0.08 + 0.09 * number) * noise(40 + number, (90, 16), 7, 0.62)
        ground = np.asarray(colour, np.float32) * texture[..., None]
        scene = mix(scene, ground, step(-1.2, 1.2, y - ridge))
    return scene


def _dome() -> Array:
    """Return the canopy's points [rings + 1, around, 3], bulging between its lines."""
    around = np.linspace(0, 2 * np.pi, GORES * PARTS + 1)
    down = np.linspace(0.05, 1, RINGS + 1)[:, None]
    bulge = np.abs(np.sin(around * GORES / 2))[None] ** 0.8
    spread = np.sin(down * 1.62) * (1 + 0.060 * bulge * down**1.5)
    height = 0.80 * np.cos(down * 1.50) + 0.050 * (bulge - 1) * down**6
    flat = np.stack([spread * np.cos(around), height + 0 * around, spread * np.sin(around)], -1)
    return _turn(flat)


def _turn(points: Array) -> Array:
    """Tilt points towards us and roll them to the side."""
    c, s = np.cos(TILT), np.sin(TILT)
    x, y, z = (
        points[..., 0],
        points[..., 1] * c - points[..., 2] * s,
        points[..., 1] * s + points[..., 2] * c,
    )
    c, s = np.cos(ROLL), np.sin(ROLL)
    return np.stack([x * c - y * s, x * s + y * c, z], -1).astype(np.float32)


def _project(points: Array) -> Array:
    """Return picture positions [..., 2] of points, with some perspective."""
    near = 1 / (1 - 0.12 * points[..., 2])
    return np.stack(
        [CENTRE[0] + RADIUS * points[..., 0] * near, CENTRE[1] - RADIUS * points[..., 1] * near], -1
    )


def _cloth(points: Array) -> tuple[Array, Array]:
    """Return each quad's colour [rings, around, 3] and its mean depth."""
    across = points[:-1, 1:] - points[:-1, :-1]
    along = points[1:, :-1] - points[:-1, :-1]
    normal = np.cross(across, along)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    outside = normal[..., 2] > 0
    sun = SUN / np.linalg.norm(SUN)
    facing = normal @ sun
    gore = np.arange(GORES * PARTS) // PARTS
    albedo = np.where((gore % 4 < 2)[None, :, None], RED, WHITE)
    band = np.arange(RINGS)[:, None, None]
    albedo = np.where((band >= 50) & (band < 57), np.where(albedo == RED, WHITE, RED), albedo)
    seam = 1 - 0.30 * (np.arange(GORES * PARTS) % PARTS == 0)[None, :, None]
    hem = np.where(band >= RINGS - 1, 0.6, 1.0)
    front = 1.10 * np.clip(facing, 0, 1) + 0.17 + 0.10 * normal[..., 1]
    through = 0.40 * np.clip(facing + 0.8, 0, 2) + 0.24 - 0.10 * normal[..., 1]
    light = np.where(outside, front + 0.25 * np.clip(-facing, 0, 1), through)[..., None]
    tint = np.where(outside[..., None], np.array((1.06, 1.0, 0.92)), albedo**0.35)
    return (albedo * light * tint * seam * hem).astype(np.float32), points[:-1, :-1, 2]


def _canopy(scene: Array) -> Array:
    """Paint the quads, far ones first."""
    points = _dome()
    flat = _project(points) * SUPER
    colour, depth = _cloth(points)
    layer = Image.new("RGBA", SIZE[::-1])
    draw = ImageDraw.Draw(layer)
    for index in np.argsort(depth, axis=None):
        r, a = divmod(int(index), GORES * PARTS)
        corners = [tuple(flat[i, j]) for i, j in ((r, a), (r, a + 1), (r + 1, a + 1), (r + 1, a))]
        fill = tuple(int(255 * min(1.0, c / 1.6) ** 0.5) for c in colour[r, a])
        draw.polygon(corners, fill=(*fill, 255))
    rgba = np.asarray(layer, np.float32) / 255
    paint = 1.6 * rgba[..., :3] ** 2
    weave = 1 + 0.03 * noise(60, (26, 26), 3)
    soft = blur(paint, 0.5) / np.maximum(blur(rgba[..., 3], 0.5), 0.05)[..., None]
    return mix(scene, soft * weave[..., None], rgba[..., 3])


def _lines(scene: Array, back: bool) -> Array:
    """Draw the suspension lines that hang from the far (or near) half of the hem."""
    hem = _dome()[-1, ::PARTS][:-1]
    ends = _project(hem)
    drawn: list[tuple[list[Point], float]] = []
    for point, end in zip(hem, ends, strict=True):
        if (point[2] < 0) == back:
            riser = (HARNESS[0] + (9 if point[0] > 0.08 else -9), HARNESS[1] - 34)
            drawn.append(([(float(end[0]), float(end[1])), riser], 1.1))
    tone = (0.20, 0.22, 0.26) if back else (0.80, 0.80, 0.78)
    return mix(scene, tone, blur(strokes(drawn), 0.3) * 0.75)


def _jumper(scene: Array) -> Array:
    """Draw the person in the harness, one part after another, lit from the right."""
    x, y = HARNESS
    parts: list[tuple[list[Point], float, tuple[float, float, float]]] = [
        ([(x - 9, y - 36), (x - 6, y - 6)], 2.2, (0.10, 0.10, 0.11)),
        ([(x + 9, y - 36), (x + 6, y - 6)], 2.2, (0.10, 0.10, 0.11)),
        ([(x - 7, y + 26), (x - 11, y + 48), (x - 6, y + 68)], 8.5, (0.05, 0.07, 0.12)),
        ([(x + 4, y + 26), (x + 9, y + 49), (x + 7, y + 70)], 8.5, (0.07, 0.10, 0.17)),
        ([(x - 6, y + 67), (x - 12, y + 72)], 6.5, (0.03, 0.03, 0.03)),
        ([(x + 7, y + 69), (x + 2, y + 75)], 6.5, (0.03, 0.03, 0.03)),
        ([(x - 7, y + 2), (x - 16, y - 10), (x - 10, y - 26)], 5.5, (0.34, 0.10, 0.03)),
        ([(x - 1, y - 2), (x - 2, y + 26)], 19, (0.42, 0.12, 0.035)),
        ([(x + 3, y - 1), (x + 3, y + 25)], 10, (0.62, 0.20, 0.05)),
        ([(x + 7, y + 2), (x + 16, y - 9), (x + 10, y - 26)], 5.5, (0.62, 0.20, 0.05)),
        ([(x - 10, y + 14), (x + 9, y + 14)], 2.4, (0.05, 0.05, 0.05)),
    ]
    for points, width, colour in parts:
        caps = [_disc(px, py, width / 2 - 0.3) for px, py in points]
        shape = np.maximum(strokes([(points, width)]), mask(caps))
        scene = mix(scene, colour, blur(shape, 0.35))
    scene = mix(scene, (0.62, 0.64, 0.66), blur(mask([_disc(x, y - 12, 8)]), 0.35))
    scene = mix(scene, (1.0, 1.0, 0.98), blur(mask([_disc(x + 2.4, y - 14, 4)]), 1.2) * 0.7)
    return mix(scene, (0.05, 0.06, 0.08), blur(mask([_disc(x, y - 9, 4.6)]), 0.6))


def _disc(x: float, y: float, radius: float) -> list[Point]:
    turn = np.linspace(0, 2 * np.pi, 24)
    return [(x + radius * float(np.cos(t)), y + radius * float(np.sin(t))) for t in turn]


def draw() -> Image.Image:
    """Return the picture."""
    scene = _lines(_sky(), back=True)
    scene = _lines(_canopy(scene), back=False)
    return develop(_jumper(scene), 9, exposure=0.92)
