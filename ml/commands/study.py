"""`python -m ml study FILE`: train and measure what a study asks for, and write its tables."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from ml import allocator
from ml.catalogue import default_device
from ml.commands.base import Command, add_weights
from ml.commands.train import PHOTOS, interrupts, show
from ml.files import write_whole
from ml.study import spec as studies
from ml.study.runner import Part, Studying
from ml.study.tables import page_json, put_into

WAIT_SECONDS = 2.0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the study's JSON")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds its data")
    parser.add_argument(
        "--results", type=Path, help="folder of the records; by default FILE without .json"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("runs/study"), help="folder for caches and weights"
    )
    parser.add_argument("--minutes", type=float, help="stop after these; the next call goes on")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="only parts named so; see --list"
    )
    parser.add_argument(
        "--document", type=Path, metavar="MARKDOWN", help="make the tables between its markers anew"
    )
    parser.add_argument("--page", type=Path, metavar="JSON", help="write what the page shows")
    parser.add_argument("--list", action="store_true", help="list what is left to do, and stop")
    parser.add_argument("--device", default="auto")
    add_weights(parser)


def _run(options: argparse.Namespace) -> None:
    allocator.tune()
    spec = studies.read(options.file)
    studying = Studying(
        spec,
        options.data,
        options.results or options.file.with_suffix(""),
        options.work,
        default_device(options.device),
        options.weights,
        PHOTOS.data_names.get(spec.data, spec.data),
    )
    if options.list:
        print("\n".join(part.name for part in studying.parts()))
        return
    try:
        _work(studying, options)
    finally:
        _write_tables(studying, options)


def _work(studying: Studying, options: argparse.Namespace) -> None:
    ends = time.monotonic() + 60 * options.minutes if options.minutes is not None else None
    with interrupts() as pressed:

        def over() -> bool:
            return bool(pressed) or (ends is not None and time.monotonic() > ends)

        while not over() and _left(studying, options.only):
            with studying.next_part(options.only) as part:
                if part is None:  # other processes have all that is left; trials must end first
                    time.sleep(WAIT_SECONDS)
                else:
                    _do(studying, part, over)
    if over():
        tqdm.write("Stopped. The same command goes on from there.")


def _write_tables(studying: Studying, options: argparse.Namespace) -> None:
    tables = studying.tables()
    if tables is None:
        return
    write_whole(studying.results / "tables.json", (json.dumps(tables) + "\n").encode())
    if options.page:
        spec = studying.spec
        titles = {row: spec.title(row) for row in spec.rows}
        shown = page_json(tables, len(list(spec.runs())), titles)
        write_whole(options.page, (json.dumps(shown) + "\n").encode())
    if options.document:
        text = options.document.read_text(encoding="utf-8")
        write_whole(options.document, put_into(text, tables).encode())


def _left(studying: Studying, only: list[str]) -> bool:
    return any(not only or part.name in only for part in studying.parts())


def _do(studying: Studying, part: Part, over: Callable[[], bool]) -> None:
    """Do a part, or as much of it as there is time for."""
    number = studying.total - len(studying.parts()) + 1
    name = f"{part.name} ({number} of {studying.total})"
    work = part.work()
    with tqdm(unit="step", desc=name, disable=None) as bar:
        for event in work:
            show(bar, name, event)
            if over():
                work.close()
                return


COMMAND = Command("train and measure a study's networks", _options, _run)
