"""A golf ball in the grass, low sun from the left."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tools.examples.canvas import (
    HEIGHT,
    SIZE,
    SUPER,
    WIDTH,
    Array,
    blur,
    develop,
    grid,
    mix,
    noise,
    ramp,
    step,
)

HORIZON = 250.0
BALL = (800.0, 560.0, 178.0)  # x, y, radius
SUN = np.array([-0.62, 0.62, 0.48], np.float32)  # x right, y up, z towards us
SUN /= np.linalg.norm(SUN)
DIMPLES = 392


def _background() -> Array:
    """Sky, blurred trees and the far fairway."""
    _x, y = grid()
    sky = ramp(
        y / HORIZON, [(0, (0.42, 0.62, 0.95)), (0.6, (0.8, 0.85, 0.9)), (1, (1.0, 0.92, 0.7))]
    )
    edge = 150 + 34 * noise(3, (260, 900), 4)[:1] + 0 * y
    leaves = ramp(
        noise(5, (60, 60), 5) * 0.25 + 0.5,
        [(0, (0.01, 0.035, 0.01)), (0.6, (0.05, 0.11, 0.02)), (1, (0.3, 0.34, 0.06))],
    )
    trees = step(-14, 14, y - edge)
    scene = mix(sky, leaves, trees)
    far = ramp(
        (y - HORIZON) / (HEIGHT - HORIZON),
        [(0, (0.30, 0.40, 0.08)), (0.25, (0.13, 0.25, 0.035)), (1, (0.03, 0.08, 0.01))],
    )
    far = far * (1 + 0.25 * noise(8, (300, 14), 4))[..., None]
    scene = mix(scene, far, step(-3, 3, y - HORIZON))
    return _bokeh(blur(scene, 9), blur(trees * step(40, -20, y - HORIZON), 12))


def _bokeh(scene: Array, where: Array) -> Array:
    """Sunlit leaves out of focus are discs of light."""
    rng = np.random.default_rng(11)
    x, y = grid()
    for _ in range(150):
        cx, cy = rng.uniform(0, WIDTH), rng.uniform(100, 250)
        radius = rng.uniform(7, 22)
        d = np.hypot(x - cx, y - cy)
        disc = step(radius + 1.5, radius - 1.5, d) * (0.6 + 0.4 * (d / radius) ** 3)
        scene = scene + (disc * where**2)[..., None] * rng.uniform(0.02, 0.16) * np.array(
            (1.0, 0.95, 0.5), np.float32
        )
    return scene


def _dimples(normal: Array) -> Array:
    """Tilt the normals [n, 3] of a unit sphere by its dimples."""
    i = np.arange(DIMPLES) + 0.5
    polar, turn = np.arccos(1 - 2 * i / DIMPLES), np.pi * (1 + 5**0.5) * i
    centres = np.stack(
        [np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], 1
    )
    tilt = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0.0, 0.8, 0.6]])
    centres = (centres @ tilt).astype(np.float32)
    nearest = np.concatenate([(part @ centres.T).argmax(1) for part in np.array_split(normal, 64)])
    centre = centres[nearest]
    reach = np.arccos(np.clip((normal * centre).sum(1), -1, 1)) / 0.088
    slope = 1.15 * reach * step(1.06, 0.82, reach)
    inward = centre - normal * (normal * centre).sum(1, keepdims=True)
    inward /= np.linalg.norm(inward, axis=1, keepdims=True) + 1e-6
    bent = normal + 0.42 * slope[:, None] * inward
    return bent / np.linalg.norm(bent, axis=1, keepdims=True)


def _ball(scene: Array) -> Array:
    """Put the ball into the scene."""
    x, y = grid()
    u, v = (x - BALL[0]) / BALL[2], (BALL[1] - y) / BALL[2]
    r = np.hypot(u, v)
    inside = r < 1
    smooth = np.stack([u[inside], v[inside], np.sqrt(np.maximum(1 - r[inside] ** 2, 0))], 1)
    normal = _dimples(smooth)
    sun = np.clip(normal @ SUN, 0, None) * step(-0.1, 0.35, smooth @ SUN)
    up = normal[:, 1] * 0.5 + 0.5
    low = step(0.15, -0.95, smooth[:, 1])[:, None]
    sky = up[:, None] * np.array((0.30, 0.37, 0.50), np.float32) * (1 - 0.55 * low)
    grass = (1 - up)[:, None] * np.array((0.16, 0.24, 0.05), np.float32) * (1 - 0.5 * low)
    half = SUN + np.array((0, 0, 1), np.float32)
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1)
    gloss = 0.75 * shine**90 + 0.10 * shine**12
    lit = 0.74 * (sun[:, None] * np.array((1.45, 1.3, 1.02), np.float32) + sky + grass)
    rim = (1 - smooth[:, 2]) ** 4
    lit = lit + gloss[:, None] + 0.10 * rim[:, None]
    colour = np.zeros((*SIZE, 3), np.float32)
    colour[inside] = lit
    return mix(scene, colour, step(1.0, 0.994, r))


def _shade(x: float, y: float) -> float:
    """Light that reaches a blade's foot at (x, y): 1 in the sun, less in the ball's shadow."""
    foot = BALL[1] + BALL[2] * 0.80
    along, across = (x - BALL[0] - 95) / 250, (y - foot - 8) / 62
    contact = ((x - BALL[0]) / 165) ** 2 + ((y - foot) / 50) ** 2
    return 1 - 0.72 * np.exp(-((along**2 + across**2) ** 1.5)) - 0.22 * np.exp(-contact)


def _blade(draw: ImageDraw.ImageDraw, rng: np.random.Generator, x: float, y: float) -> None:
    """Draw one bent blade of grass rooted at (x, y), dark at the foot and bright at the tip."""
    scale = 0.12 + ((y - HORIZON) / (HEIGHT - HORIZON)) ** 1.15
    tall, wide = scale * rng.gamma(9, 8.5), scale * rng.uniform(2.2, 5.2)
    lean, bend = rng.normal(0.08, 0.3) * tall, rng.normal(0.1, 0.28) * tall
    hue = rng.uniform(0, 1)
    tip = np.array((0.12 + 0.20 * hue, 0.33 + 0.13 * hue, 0.045 + 0.03 * hue))
    if rng.random() < 0.05:
        tip = np.array((0.55, 0.46, 0.16))  # a dry one
    tip = tip * rng.uniform(0.45, 1.25) * _shade(x, y)
    steps = np.linspace(0, 1, 6)
    px = x + lean * steps + bend * steps**2
    py = y - tall * steps * (1 - 0.12 * steps)
    half = wide * (1 - steps**1.6) / 2
    for k in range(5):
        light = 0.06 + 0.94 * (steps[k] * 0.5 + steps[k + 1] * 0.5) ** 1.25
        fill = tuple(int(255 * min(1.0, c * light) ** 0.5) for c in tip)
        corners = [
            (px[k] - half[k], py[k]),
            (px[k] + half[k], py[k]),
            (px[k + 1] + half[k + 1], py[k + 1]),
            (px[k + 1] - half[k + 1], py[k + 1]),
        ]
        draw.polygon([(a * SUPER, b * SUPER) for a, b in corners], fill=(*fill, 255))


def _grass(scene: Array, seed: int, low: float, high: float, count: int, soft: float) -> Array:
    """Grow `count` blades with feet between the heights `low` and `high`; `soft` blurs them."""
    rng = np.random.default_rng(seed)
    layer = Image.new("RGBA", SIZE[::-1])
    draw = ImageDraw.Draw(layer)
    for y in np.sort(low + (high - low) * rng.random(count)):
        _blade(draw, rng, rng.uniform(-30, WIDTH + 30), y)
    rgba = np.asarray(layer, np.float32) / 255
    cover, colour = rgba[..., 3], rgba[..., :3] ** 2
    spread = blur(np.concatenate([colour * cover[..., None], cover[..., None]], -1), soft)
    return scene * (1 - spread[..., 3:]) + 1.2 * spread[..., :3]


def draw() -> Image.Image:
    """Return the picture."""
    foot = BALL[1] + BALL[2] * 0.80
    scene = _background()
    bands = [
        (255, 300, 9000, 4.5),
        (300, 370, 9000, 3.4),
        (370, 460, 8000, 2.3),
        (460, 570, 7000, 1.3),
        (570, foot, 7000, 0.5),
    ]
    for number, (low, high, count, soft) in enumerate(bands):
        scene = _grass(scene, 20 + number, low, high, count, soft)
    scene = _ball(scene)
    scene = _grass(scene, 40, foot, foot + 60, 2600, 0.4)
    scene = _grass(scene, 41, foot + 60, foot + 150, 2600, 1.2)
    scene = _grass(scene, 42, foot + 150, HEIGHT + 90, 1600, 3.2)
    return develop(scene, 7, exposure=0.85)
