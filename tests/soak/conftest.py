"""`make soak`: long tests in seeded rounds, until the minutes are used up."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

ROUNDS = pytest.StashKey[int]()
DEADLINE = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("soak")
    group.addoption("--minutes", type=float, default=10, help="time for all kinds together")
    group.addoption("--seed", type=int, default=0, help="the first round's seed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with a different test for every seed, so that short runs reach all of them in time."""
    first = config.option.seed % max(1, len(items))
    items[:] = items[first:] + items[:first]


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Iterator[int]:
    """The seeds of this test's rounds: at least one, then until its share of the time is used up.

    The share is the rest of `--minutes` divided by the number of remaining tests. A test for
    which no time is left is skipped, and the summary lists it.
    """
    return _rounds(request)


def _rounds(request: pytest.FixtureRequest) -> Iterator[int]:
    session, item = request.session, request.node
    began = time.monotonic()
    end = session.config.stash.setdefault(DEADLINE, began + 60 * request.config.option.minutes)
    if began >= end:
        pytest.skip("no minutes were left for it")
    share = (end - began) / (len(session.items) - session.items.index(item))
    seed = request.config.option.seed
    item.stash[ROUNDS] = 0
    while item.stash[ROUNDS] == 0 or time.monotonic() - began < share:
        print(f"round of seed {seed}")  # shown if the round fails
        yield seed
        item.stash[ROUNDS] += 1
        seed += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    report = yield
    if call.when == "call":
        report.user_properties.append(("rounds", item.stash.get(ROUNDS, None)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the number of rounds of each test."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            count = dict(report.user_properties).get("rounds")
            if report.when == "call" and count is not None:
                name = report.nodeid.partition("::")[2]
                terminalreporter.write_line(f"{count:5} rounds, {report.duration:5.0f} s: {name}")
