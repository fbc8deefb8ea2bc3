"""The section of docs/benchmarks.md that is made from the check's results."""

from __future__ import annotations

from bench.gpu.parts import lines
from bench.gpu.setup import Line, Result
from bench.report import PAGE

TITLE = "## On a GPU"
HOW = (
    "`make gpu-check DATA=FOLDER` packs a part of Imagenette and a few clips into one file, runs "
    "the check on it in some minutes, keeps the results as JSON beside its code, and writes this "
    "section. Where torch sees no GPU it says so and ends with status 3. The packed file (20 MB) "
    "can be copied to another machine: `make gpu-check PACK=FILE`."
)
NOT_MEASURED = "**Not measured**: no GPU was at hand. The check itself is tested on a CPU."


def section(results: Result | None) -> str:
    """Return the section in Markdown; without results it says that nothing was measured."""
    if results is None:
        return f"{TITLE}\n\n{NOT_MEASURED}\n\n{HOW}\n"
    about = results["about"]
    rows = "".join(_row(line) for line in lines(results["parts"]))
    return (
        f"{TITLE}\n\n{about['name']}, {about['memory_gib']} GiB, on {about['date']}; "
        f"torch {about['torch']}, CUDA {about['cuda']}.\n\n"
        f"| what | measured | goal | |\n|---|---|---|---|\n{rows}\n{HOW}\n"
    )


def _row(line: Line) -> str:
    verdict = {None: "", True: "met", False: "**missed**"}[line.met]
    return f"| {line.what} | {line.measured} | {line.goal} | {verdict} |\n"


def replaced(text: str, new: str) -> str:
    """Return the page with its section replaced, or added at the end."""
    before, found, rest = text.partition(f"{TITLE}\n")
    if not found:
        return f"{text.rstrip()}\n\n{new}"
    _, more, after = rest.partition("\n## ")
    return f"{before}{new}" + (f"\n## {after}" if more else "")


def write(results: Result | None) -> None:
    """Write the section into the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replaced(text, section(results)), encoding="utf-8")
