"""Draw the example pictures into static/examples: `make examples`."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from tools.examples import camera, church, golf_ball, parachute

FOLDER = Path(__file__).resolve().parents[2] / "static" / "examples"
PICTURES = [
    (golf_ball, "golf-ball.jpg", "Golf ball in the grass", "golf ball"),
    (parachute, "parachute.jpg", "Parachute over the hills", "parachute"),
    (church, "church.jpg", "Church at dusk", "church"),
]


def main() -> None:
    """Draw, save, and write the list that the home page reads."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    listed = []
    for module, file, title, truth in PICTURES:
        module.draw().save(FOLDER / file, quality=85, optimize=True, progressive=True)
        listed.append({"file": file, "title": title, "truth": truth})
    poster = camera.film(Image.open(FOLDER / "church.jpg"), FOLDER / "camera.mp4")
    poster.convert("RGB").save(FOLDER / "camera.jpg", quality=85, optimize=True)
    clip = {"file": "camera.mp4", "poster": "camera.jpg", "title": "A moving camera, a clip"}
    listed.append({**clip, "truth": ""})
    (FOLDER / "examples.json").write_text(json.dumps(listed, indent=2) + "\n")


if __name__ == "__main__":
    main()
