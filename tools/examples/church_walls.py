"""What the church's walls are made of: each function paints metres (u, v) on a wall."""

from __future__ import annotations

import numpy as np

from tools.examples.canvas import Array, noise

STONE, SLATE = (0.30, 0.27, 0.235), (0.085, 0.09, 0.105)
GLASS = np.array((1.0, 0.55, 0.16), np.float32)
COLD = np.array((0.30, 0.38, 0.62), np.float32)


def _arch(u: Array, v: Array, width: float, height: float) -> Array:
    """Signed depth inside a pointed arch that stands on (0, 0), metres; > 0 inside."""
    side = width / 2 - np.abs(u)
    point = width * 0.95 - np.hypot(np.abs(u) + width * 0.45, v - (height - width * 0.85))
    return np.minimum(np.minimum(side, v), np.where(v > height - width * 0.85, point, side))


def masonry(u: Array, v: Array, colour: tuple[float, float, float]) -> Array:
    """Courses of cut stone, each block a little different."""
    row = np.floor(v / 0.42)
    shift = u / 0.95 + 0.5 * (row % 2)
    block = np.sin(row * 12.9898 + np.floor(shift) * 78.233) * 43758.5453
    shade = 0.80 + 0.40 * (block - np.floor(block))
    joint = np.minimum(np.abs(v / 0.42 % 1 - 0.5), np.abs(shift % 1 - 0.5) * 2.2)
    worn = 1 + 0.09 * noise(71, (9, 9), 5)
    light = shade * worn * np.where(joint > 0.46, 0.62, 1.0)
    return np.minimum(light[..., None] * np.asarray(colour, np.float32), 0.33)


def slates(u: Array, v: Array) -> Array:
    """Courses of slate, each with the shadow of the one above."""
    row = np.floor(v / 0.34)
    shift = u / 0.42 + 0.5 * (row % 2)
    block = np.sin(row * 3.17 + np.floor(shift) * 51.7) * 9143.3
    shade = 0.72 + 0.5 * (block - np.floor(block)) - 0.35 * (v / 0.34 % 1 < 0.16)
    return shade[..., None] * np.asarray(SLATE, np.float32)


def _window(base: Array, u: Array, v: Array, width: float, height: float) -> Array:
    """Set a lit, leaded window with a stone frame into `base`; its foot is at (0, 0)."""
    inside = _arch(u, v, width, height)
    pane = np.sin(np.floor(u / 0.22) * 7.1 + np.floor(v / 0.3) * 3.7) * 151.7
    pane = pane - np.floor(pane)
    tint = GLASS * (0.55 + 0.75 * pane[..., None]) * np.array((1, 1, 1), np.float32)
    tint = np.where((pane > 0.86)[..., None], np.array((0.75, 0.13, 0.06), np.float32), tint)
    tint = np.where((pane < 0.10)[..., None], np.array((0.16, 0.26, 0.55), np.float32), tint)
    glow = 1.7 * (0.75 + 0.5 * np.exp(-(((v - height * 0.4) / height) ** 2) * 5))
    lead = (np.abs(u / 0.22 % 1 - 0.5) > 0.43) | (np.abs(v / 0.3 % 1 - 0.5) > 0.45)
    mullion = (np.abs(u) < 0.07) & (v < height - width * 0.5)
    lit = tint * glow[..., None] * np.where(lead, 0.35, 1.0)[..., None]
    lit = np.where(mullion[..., None], np.asarray(STONE, np.float32) * 0.35, lit)
    framed = np.where((inside > -0.20)[..., None], base * 1.35, base)
    return np.where((inside > 0)[..., None], lit, framed)


def tower_front(u: Array, v: Array) -> Array:
    """Door, window, clock and belfry."""
    wall = _bands(masonry(u, v, STONE), v)
    u = u - 3
    door = _arch(u, v, 2.4, 4.2)
    wall = np.where((door > -0.55)[..., None], wall * 1.25, wall)
    planks = 0.7 + 0.3 * (np.abs(u / 0.3 % 1 - 0.5) < 0.42)
    wood = planks[..., None] * np.array((0.085, 0.038, 0.018), np.float32)
    wall = np.where((door > 0)[..., None], wood, wall)
    wall = _window(wall, u, v - 6.2, 1.5, 3.2)
    return _belfry(_clock(wall, u, v - 12.1), u, v)


def tower_side(u: Array, v: Array) -> Array:
    """Window and belfry."""
    wall = _bands(masonry(u, v, STONE), v)
    return _belfry(_window(wall, u - 3, v - 6.2, 1.0, 2.6), u - 3, v)


def _bands(wall: Array, v: Array) -> Array:
    """String courses: a bright stone line with its shadow."""
    for height in (5.3, 10.6, 14.0, 18.6):
        wall = wall * np.where(np.abs(v - height) < 0.16, 1.45, 1.0)[..., None]
        wall = wall * np.where(np.abs(v - height + 0.3) < 0.14, 0.55, 1.0)[..., None]
    return wall


def _belfry(wall: Array, u: Array, v: Array) -> Array:
    """Two louvred openings below the spire."""
    for x in (-1.1, 1.1):
        hole = _arch(u - x, v - 14.7, 1.25, 3.2)
        slat = np.where(v / 0.36 % 1 < 0.5, 0.10, 0.025)[..., None] * COLD
        wall = np.where((hole > 0)[..., None], slat, wall)
    return wall


def _clock(wall: Array, u: Array, v: Array) -> Array:
    """A pale dial with twelve marks and two hands (ten to seven)."""
    r, turn = np.hypot(u, v), np.arctan2(u, v)
    marks = (np.abs((turn / (np.pi / 6)) % 1 - 0.5) > 0.40) & (r > 0.82) & (r < 1.02)
    dial = np.where(marks[..., None], 0.05, np.array((0.95, 0.86, 0.66), np.float32))
    for angle, length in ((-1.05, 0.85), (3.58, 0.55)):
        along = u * np.sin(angle) + v * np.cos(angle)
        across = np.abs(u * np.cos(angle) - v * np.sin(angle))
        dial = np.where(
            ((along > -0.1) & (along < length) & (across < 0.06))[..., None], 0.04, dial
        )
    rim = np.where((r < 1.28)[..., None], np.asarray(STONE, np.float32) * 0.4, wall)
    return np.where((r < 1.13)[..., None], dial, rim)


def nave_side(u: Array, v: Array) -> Array:
    """Five tall windows between the buttresses."""
    wall = masonry(u, v, STONE)
    wall = wall * np.where(v < 1.0, 0.8, 1.0)[..., None] * np.where(v > 7.6, 0.6, 1.0)[..., None]
    for k in range(5):
        wall = _window(wall, u - 2.6 - 4.7 * k, v - 2.0, 1.7, 4.6)
    return wall
