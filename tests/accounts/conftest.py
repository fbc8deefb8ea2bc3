"""The servers of the API's tests, with cheap password hashing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from app.accounts import passwords
from tests.api.conftest import any_api, api

__all__ = ["any_api", "api"]


@pytest.fixture(autouse=True)
def cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Argon2 with the least work: 64 MiB and a tenth of a second a hash are for those who guess."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: cheap)
    passwords._decoy.cache_clear()
    yield
    passwords._decoy.cache_clear()
