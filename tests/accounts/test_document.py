"""The account in the OpenAPI document: examples and security requirements."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from app.core.settings import Settings
from app.main import create_app
from app.web.accounts import schemas

BODIES = [
    schemas.Account,
    schemas.PasswordChange,
    schemas.Session,
    schemas.TokenCreate,
    schemas.Token,
    schemas.NewToken,
    schemas.Person,
    schemas.InvitationCreate,
    schemas.Invitation,
    schemas.NewInvitation,
    schemas.AuditEntry,
]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The document of a server."""
    return create_app(Settings(home=tmp_path_factory.mktemp("home"))).openapi()


@pytest.mark.parametrize("schema", BODIES)
def test_examples_are_complete_and_valid(document: Any, schema: type[BaseModel]) -> None:
    (example,) = document["components"]["schemas"][schema.__name__]["examples"]
    assert schema.model_validate(example).model_dump(mode="json") == example


def test_guarded_operations_are_documented(document: Any) -> None:
    """`test_roles.py` has which they are."""
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if guarded := operation.get("security"):
                assert guarded == [{"token": []}, {"session": []}], path
                assert "401" in operation["responses"], path
    schemes = document["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer"
    assert schemes["session"] == {**schemes["session"], "type": "apiKey", "in": "cookie"}
