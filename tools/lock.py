"""Write the lock files from the installed packages.

This pins the environment that passed the tests. Packages that only torch requires on Linux with
CUDA go into `constraints.lock`: pip pins them if torch requires them, and ignores them if it does
not (macOS, or PyTorch's CPU build).
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CUDA = ("cuda-", "nvidia-", "triton")
HEADER = "# Written by `make lock`; change pyproject.toml, install, test, and write it again.\n"


def closure(requirements: list[str]) -> dict[str, str]:
    """Return name -> pin of `requirements` and all their dependencies, as installed."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(Requirement(line), "") for line in requirements]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        dist = distribution(name)
        pins[name] = f"{name}=={dist.version.partition('+')[0]}"
        for needed in {"", *requirement.extras}:
            if (name, needed) not in seen:
                seen.add((name, needed))
                todo += [(Requirement(line), needed) for line in dist.requires or []]
    return pins


def write(name: str, pins: dict[str, str], *first: str) -> None:
    """Write `pins`, sorted, below the lines `first`."""
    text = HEADER + "".join(f"{line}\n" for line in (*first, *sorted(pins.values())))
    (ROOT / name).write_text(text)


def main() -> None:
    """Write all four files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = closure(project["dependencies"])
    extras = project["optional-dependencies"]
    dev = closure(extras["dev"])
    cuda = {name: pin for name, pin in run.items() if name.startswith(CUDA)}
    plain = {name: pin for name, pin in run.items() if name not in cuda}
    write("constraints.lock", cuda)
    write("requirements.lock", plain, "-c constraints.lock")
    write("requirements-dev.lock", {k: v for k, v in dev.items() if k not in run})
    try:
        bench = closure(extras["bench"])
    except PackageNotFoundError:
        return  # the libraries to compare with are not installed: leave their file as it is
    others = {k: v for k, v in bench.items() if k not in run and k not in dev}
    write("requirements-bench.lock", others, "-c requirements.lock")


if __name__ == "__main__":
    main()
