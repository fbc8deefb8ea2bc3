"""Passwords: storage, rules for new ones, and constant-time verification."""

from __future__ import annotations

import time

import pytest
from argon2 import PasswordHasher

from app.accounts import passwords
from app.core.errors import Unprocessable

GOOD = "a few words in a row"


@pytest.fixture
def cheap_hashing() -> None:
    """Not here: these are the parameters that are used."""


def test_passwords_are_stored_as_salted_argon2id() -> None:
    stored = passwords.hash_password(GOOD)
    assert stored.startswith("$argon2id$")
    assert stored != passwords.hash_password(GOOD)
    assert passwords.verify(stored, GOOD)
    assert not passwords.verify(stored, GOOD + " ")
    assert not passwords.verify("not a hash", GOOD)
    assert not passwords.verify(None, GOOD)


def test_no_password_matches_the_decoy() -> None:
    for guess in ("", "nobody has this password"):
        assert not passwords.verify(None, guess)


def test_composed_and_decomposed_accents_are_equal() -> None:
    stored = passwords.hash_password("café du coin 12")
    assert passwords.verify(stored, "cafe\u0301 du coin 12")
    assert passwords.verify(
        passwords.hash_password("half \ud800 character"), "half \ud800 character"
    )


def test_a_hash_with_other_parameters_is_outdated() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    assert passwords.verify(weak, GOOD)
    assert passwords.is_outdated(weak)
    assert not passwords.is_outdated(passwords.hash_password(GOOD))


@pytest.mark.parametrize(
    "password",
    ["", "short one", "x" * 257, "aaaaaaaaaaaa", "adminadmin", "ADMINadminadmin", "abababababab"],
)
def test_an_easy_password_is_rejected(password: str) -> None:
    with pytest.raises(Unprocessable):
        passwords.check_choice(password, "admin")


def test_a_passphrase_is_accepted() -> None:
    passwords.check_choice(GOOD, "admin")
    passwords.check_choice("x" * 250 + "123456", "admin")


def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    stored = passwords.hash_password(GOOD)
    passwords.verify(None, "warm")

    def seconds(of: str | None) -> float:
        start = time.process_time()  # of all threads, however busy the machine is
        passwords.verify(of, "wrong password")
        return time.process_time() - start

    pairs = [(seconds(stored), seconds(None)) for _ in range(3)]
    ratio = min(unknown for _, unknown in pairs) / min(wrong for wrong, _ in pairs)
    assert 0.2 < ratio < 5  # without a hash to check it would be a thousandth
