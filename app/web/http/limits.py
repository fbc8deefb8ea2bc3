"""Whose requests are counted together: those of a visitor or user, and those of an address."""

from __future__ import annotations

from starlette.requests import Request

from app.web.http.arrival import ADDRESS_FACTOR
from app.web.http.identity import address_of
from app.web.http.proxies import network


def limits(what: str, request: Request, owner: str, limit: int) -> dict[str, int]:
    """Return the limits of a request by key; all tokens of a user have one `owner`."""
    address = network(address_of(request))
    return {f"{what}: visitor {owner}": limit, f"{what}: address {address}": limit * ADDRESS_FACTOR}
