"""The servers that this run has started, by address: for helpers that reach into their database."""

from __future__ import annotations

from app.core.settings import Settings

SERVERS: dict[str, Settings] = {}


def settings_of(address: str) -> Settings:
    """The settings of the server at an address; of `SIGHTLINE_TEST_SERVER`: this environment's."""
    return SERVERS.get(address.rstrip("/")) or Settings()
