"""Forms of pages (`application/x-www-form-urlencoded`), read up to a limit."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from starlette.requests import Request

from app.core.errors import TooLarge, Unprocessable

LARGEST = 8 * 1024
FORM = "application/x-www-form-urlencoded"
HERE = re.compile(r"/(?!/)[!-\[\]-~]*")  # a path of this server: no second slash, no backslash


async def fields(request: Request) -> dict[str, str]:
    """Return the fields of a form; NUL characters are removed."""
    if not request.headers.get("content-type", FORM).startswith(FORM):
        raise Unprocessable("Send the form as a browser does.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise TooLarge("The form is too large.")
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, errors="replace")
    return {name: value.replace("\0", "") for name, value in pairs}


def local(address: str | None, otherwise: str) -> str:
    """Return the address if it is a path of this server, else `otherwise`."""
    return address if address and HERE.fullmatch(address) else otherwise
