"""`python -m bench`: time everything in pairs and write docs/benchmarks.md (about 20 minutes)."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

from bench.report import PAGE, Section, write

SECTIONS = (
    "charts",
    "clip_page",
    "clips",
    "clips_decode",
    "explaining",
    "libraries",
    "page",
    "process",
    "seen",
    "training",
    "training_overhead",
    "web",
)


def main() -> int:
    """Run the sections; return 1 if a goal is missed and `--strict` is given."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="rounds of the quickest timings")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument("--strict", action="store_true", help="fail if a goal is missed")
    options = parser.parse_args()

    from ml import allocator

    allocator.tune()  # as in the worker, for everything that is compared in this process
    began = time.perf_counter()
    sections = [_run(name, options.rounds) for name in options.only]
    write(sections, time.perf_counter() - began, options.output)
    missed = sum(not row.met for section in sections for row in section.rows)
    print(f"{options.output}: {missed} goals missed")
    return 1 if missed and options.strict else 0


def _run(name: str, rounds: int) -> Section:
    began = time.perf_counter()
    section: Section = importlib.import_module(f"bench.{name}").section(rounds)
    print(f"{section.title} ({time.perf_counter() - began:.0f} s)", flush=True)
    for row in section.rows:
        print(f"  {'met   ' if row.met else 'MISSED'} {row.what}: {row.measured}", flush=True)
    return section


if __name__ == "__main__":
    sys.exit(main())
