"""Every operation of the document, tried against a real server with a real worker.

`tests/soak/test_contract.py` does the same with other cases, many of them.
"""

from __future__ import annotations

import pytest

from tests.support.contract import ACTIONS, Contract, Site, make_site, operations
from tests.support.web import Api

pytestmark = pytest.mark.xdist_group("live")
# What a schema makes up is no archive, no checkpoint and no folder; nobody may download here.
MADE_UP = {
    "/api/v1/datasets": {"400", "415"},
    "/api/v1/datasets/from-folder": {"20", "404", "422"},
    "/api/v1/datasets/imagenette": {"403"},
    "/api/v1/models/import": {"422"},
}

EVERYTHING = ("DELETE", "/api/v1/media")


@pytest.fixture(scope="module")
def site(live: Api, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make_site(live, tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract(part=0, examples=2)


@pytest.mark.parametrize(
    ("method", "path"), operations(), ids=[" ".join(operation) for operation in operations()]
)
def test_no_server_error_and_no_violation(
    site: Site, contract: Contract, method: str, path: str
) -> None:
    contract.try_operation(site, method, path)


def test_the_cases_reached_every_operation(site: Site) -> None:
    """Runs after the cases: each operation has met something that exists."""
    lines = site.api.client.get("/metrics", headers=site.admin).text.splitlines()
    counted = [line for line in lines if line.startswith("sightline_http_requests_total{")]
    missed = []
    for method, path in operations():
        statuses = {"403"} if method == "DELETE" else {"20"}
        statuses = {"204"} if (method, path) == EVERYTHING else statuses  # of one's own
        if path.endswith(ACTIONS):
            statuses = {"409", "20"}
        statuses = MADE_UP.get(path, statuses) if method == "POST" else statuses
        starts = [f'{{method="{method}",route="{path}",status="{w}' for w in statuses]
        if not any(start in line for line in counted for start in starts):
            missed.append((method, path))
    assert not missed, missed
