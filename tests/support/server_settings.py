"""The settings of the servers that this run has started, for helpers that use their database."""

from __future__ import annotations

from app.core.settings import Settings

SERVERS: dict[str, Settings] = {}


def settings_of(address: str) -> Settings:
    """The settings of the server at this address; of one not started here, the environment's."""
    return SERVERS.get(address.rstrip("/")) or Settings()
