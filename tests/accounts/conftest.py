"""The servers and databases of the other folders."""

from __future__ import annotations

from tests.api.conftest import any_api, api, live, shared
from tests.support.databases import engine, sessions, settings

__all__ = ["any_api", "api", "engine", "live", "sessions", "settings", "shared"]
