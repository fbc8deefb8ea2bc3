"""Tests here run on SQLite and on PostgreSQL, unless their file overrides `settings`."""

from tests.support.databases import engine, sessions, settings

__all__ = ["engine", "sessions", "settings"]
