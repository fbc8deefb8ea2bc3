"""`python -m bench.answers PHOTOS CLIPS`: what a new server answers, and whether that is right.

A photo's name is its class (`n02391049_zebra.jpg`). For clips, answers.json lists the ImageNet
classes that a person accepts; none if ImageNet has none.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bench.server import analyse, sightline

PAGE = Path(__file__).resolve().parents[1] / "docs" / "answers.md"
ACCEPTED = Path(__file__).with_name("answers.json")
CONFIDENT = 0.9
RIGHT, ABSTAINS, WRONG, REFUSED = "right", "abstains", "**wrong**", "cannot be read"
INTRODUCTION = """\
# The first answers

Written by `python -m bench.answers PHOTOS CLIPS`; do not edit. A new server with its default rows
was given each file. "First row" is the 1000-class network; "not sure" is its best guess while it
abstains. "Other rows" counts the models of ten classes (photos) or of camera motion (clips) that
name a class, and those that abstain. A photo's name is its class; the classes that a person
accepts for a clip are in `bench/answers.json`. The rule for "not sure" (a probability under 0.30)
was chosen on these 30 photos, so their count is not a forecast; the clips had no part in it.
"""


@dataclass(frozen=True)
class Line:
    """One file: what was answered, and the verdict on the first row."""

    name: str
    answer: str
    others: str
    verdict: str
    confident: bool = False

    def markdown(self) -> str:
        """Return the line of the table."""
        return f"| {self.name} | {self.answer} | {self.others} | {self.verdict} |\n"


def main() -> None:
    """Ask a new server about every file, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.answers", description=__doc__)
    parser.add_argument("photos", type=Path, metavar="PHOTOS", help="a folder")
    parser.add_argument("clips", type=Path, metavar="CLIPS", help="a folder")
    options = parser.parse_args()
    accepted = json.loads(ACCEPTED.read_text(encoding="utf-8"))
    with (
        TemporaryDirectory() as home,
        sightline(Path(home)) as served,
        httpx.Client(base_url=served.url, timeout=60) as client,
    ):
        photos = [
            _line(client, path, {path.stem.partition("_")[2].replace("_", " ")})
            for path in sorted(options.photos.iterdir())
        ]
        clips = [
            _line(client, path, set(accepted.get(path.name, ())))
            for path in sorted(options.clips.iterdir())
        ]
    day = datetime.now(UTC).strftime("%d %B %Y")
    PAGE.write_text(
        f"{INTRODUCTION}\nMade on {day}.\n\n{_section('Photos', photos)}\n"
        f"{_section('Clips', clips)}",
        encoding="utf-8",
    )
    print(PAGE.read_text(encoding="utf-8"))


def _line(client: httpx.Client, path: Path, accepted: set[str]) -> Line:
    name = path.stem.partition("_")[2] if path.stem.startswith("n0") else path.name
    try:
        analysis = analyse(client, path)
    except httpx.HTTPStatusError as error:
        return Line(name, error.response.json()["detail"], "", REFUSED)
    first, *others = (analysis["predictions"][model] for model in analysis["request"]["models"])
    best = first["top"][0]
    answer = f"{best['name']}, {100 * best['probability']:.0f} %"
    if first["abstained"]:
        return Line(name, f"not sure ({answer})", _others(others), ABSTAINS)
    verdict = RIGHT if best["name"] in accepted else WRONG
    return Line(name, answer, _others(others), verdict, best["probability"] > CONFIDENT)


def _others(rows: list[dict[str, Any]]) -> str:
    counts = Counter("abstain" if row["abstained"] else row["top"][0]["name"] for row in rows)
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _section(title: str, lines: list[Line]) -> str:
    counts = Counter(line.verdict for line in lines)
    said = ", ".join(f"{counts[v]} {v.strip('*')}" for v in (RIGHT, ABSTAINS, WRONG, REFUSED))
    sure = sum(line.confident and line.verdict == WRONG for line in lines)
    return (
        f"## {title}\n\nOf {len(lines)}: {said}; wrong above {CONFIDENT:.1f}: {sure}.\n\n"
        "| file | first row | other rows | verdict |\n|---|---|---|---|\n"
        + "".join(line.markdown() for line in lines)
    )


if __name__ == "__main__":
    main()
