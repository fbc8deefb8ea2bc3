"""Every test here runs on SQLite and on PostgreSQL."""

from tests.support.databases import engine, sessions, settings

__all__ = ["engine", "sessions", "settings"]
