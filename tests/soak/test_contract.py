"""Every operation of the OpenAPI document, with new cases in each round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.api.conftest import live
from tests.support.contract import PARTS, Contract, make_site, operations
from tests.support.web import Api

__all__ = ["live"]


def test_no_server_error_and_no_violation(rounds: Iterator[int], live: Api, tmp_path: Path) -> None:
    site = make_site(live, tmp_path)
    for seed in rounds:
        contract = Contract(part=seed % PARTS, examples=5, seed=seed)
        for method, path in operations():
            contract.try_operation(site, method, path)
