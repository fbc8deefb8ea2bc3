"""`python -m bench.gpu`: pack the data, check a GPU, write the section of docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.gpu import pack, page, parts
from bench.gpu.setup import Setup
from ml import allocator
from ml.catalogue import default_device
from ml.errors import MlError

RESULTS = Path(__file__).with_name("results.json")
NO_GPU = 3  # so that a check that did not take place is no success


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status: 1 if a goal is missed, 3: no GPU."""
    options = _options().parse_args(arguments)
    if options.command == "pack":
        pack.pack(options.data, options.file)
        print(f"{options.file}: {options.file.stat().st_size / 1e6:.1f} MB")
        return 0
    if options.command == "page":
        known = json.loads(options.results.read_text()) if options.results.is_file() else None
        page.write(known)
        return 0
    try:
        device = default_device(options.device)
    except MlError as error:
        print(f"Nothing was measured. {error.detail}")
        return NO_GPU
    return _check(options, device)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="make one file of a part of SIGHTLINE_DATA")
    packing.add_argument("data", type=Path, metavar="FOLDER")
    packing.add_argument("file", type=Path, metavar="FILE")
    check = commands.add_parser("check", help="measure, and keep the results as JSON")
    check.add_argument("file", type=Path, metavar="FILE", help="made by pack")
    check.add_argument("--device", default="cuda")
    check.add_argument("--parts", nargs="+", choices=parts.PARTS, default=list(parts.PARTS))
    check.add_argument("--results", type=Path, default=RESULTS, metavar="JSON")
    check.add_argument("--tiny", action="store_true", help="in seconds, to try the check itself")
    writing = commands.add_parser("page", help="write the section from the results")
    writing.add_argument("--results", type=Path, default=RESULTS, metavar="JSON")
    return parser


def _check(options: argparse.Namespace, device: str) -> int:
    allocator.tune()
    with tempfile.TemporaryDirectory(prefix="sightline-gpu-") as name:
        folder = Path(name)
        data = pack.unpack(options.file, folder / "data")
        found = parts.measure(Setup(data, folder, device, options.tiny), options.parts)
    options.results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    missed = [line.what for line in parts.lines(found["parts"]) if line.met is False]
    print(f"{options.results}: {len(missed)} goals missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
