"""The results of benchmarks, and the page that lists them."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
LIBRARIES = ("torch", "torchvision", "numpy", "fastapi", "starlette", "uvicorn", "sqlalchemy")


@dataclass(frozen=True)
class Row:
    """A row of a table: what was measured, the baseline, the result, the goal, and if it is met."""

    what: str
    against: str
    measured: str
    goal: str
    met: bool


@dataclass(frozen=True)
class Section:
    """A heading, a table, and remarks below it."""

    title: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Return the section as Markdown."""
        head = "| what | against | measured | goal | |\n|---|---|---|---|---|\n"
        body = "".join(
            f"| {r.what} | {r.against} | {r.measured} | {r.goal} | "
            f"{'met' if r.met else '**missed**'} |\n"
            for r in self.rows
        )
        below = "".join(f"\n- {remark}" for remark in self.remarks)
        return f"## {self.title}\n\n{head}{body}{below}\n"


def milliseconds(seconds: float) -> str:
    """Return `12.3 ms` or `1.23 s`."""
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def machine() -> str:
    """Describe this machine in general terms."""
    from torch import get_num_threads

    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{_cpu()}, {os.cpu_count()} cores seen, {_memory():.0f} GiB memory, "
        f"{platform.system()} {platform.machine()}, transparent huge pages: {_huge_pages()}. "
        f"Python {platform.python_version()}, {versions}; torch uses {get_num_threads()} threads."
    )


def write(sections: list[Section], seconds: float, path: Path = PAGE) -> None:
    """Write the page; sections that were not measured this time stay as they were."""
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    texts = _existing(path) | {section.title: section.markdown() for section in sections}
    measured = ", ".join(section.title.lower() for section in sections)
    path.write_text(
        "# Benchmarks\n\n"
        "Written by `make bench`; do not edit. Everything that is compared takes turns within one "
        "run (A B B A ...), and each figure is a median; the range behind a ratio is the quartiles "
        "of the rounds' own ratios.\n\n"
        f"The last run, on {day}, took {seconds / 60:.1f} minutes for: {measured}. The other "
        f"sections are of an earlier run. {machine()}\n\n"
        + "\n".join(f"{text.rstrip()}\n" for text in texts.values())
    )


def _existing(path: Path) -> dict[str, str]:
    """Return the sections of the page as it is, by title."""
    if not path.is_file():
        return {}
    parts = path.read_text(encoding="utf-8").split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part}" for part in parts}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown CPU"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown CPU"


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _huge_pages() -> str:
    try:
        text = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return "none"
    return text.partition("[")[2].partition("]")[0]
