"""The template environment; the docstrings of `pages` modules list what each template gets.

All templates:
- `static_url('x.js')`: address of a file of static/, see `app.web.http.static`.
- `glossary`: what words mean, by name; see `_glossary.html.jinja`.
- `version`: of Sightline. `page`: `home`, `analysis`, `yours`, `models`, `model`, `api` or `error`.
- `share | share_words(count)`: `18 of 20 (70 to 97 %)`, or `97.47 %` where many were judged; count:
  `metrics | judged` of a card.
- `data | json_block`: safe JSON for `<script type="application/json" id="...">`.

error.html.jinja (also without a database)
- `status`: 404. `title`: what happened. `detail`: what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.core import shares
from app.core.errors import SightlineError
from app.web.http import cookies
from app.web.http.glossary import GLOSSARY
from app.web.http.identity import SESSION_COOKIE, VISITOR, Principal, identify
from app.web.http.mathml import lines, mathml
from app.web.http.state import app_state
from app.web.http.static import Static

ROOT = Path(__file__).resolve().parents[3]


def version() -> str:
    """Return the installed version; `0` in a checkout that is not installed."""
    try:
        return package_version("sightline")
    except PackageNotFoundError:
        return "0"


def json_block(value: Any) -> Markup:
    """Return JSON that is safe inside `<script type="application/json">`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - all of HTML's characters are escaped


def make_environment(static: Static) -> Environment:
    """Return the environment of templates/: autoescaped, with missing names an error."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        json_block=json_block,
        mathml=mathml,
        lines=lines,
        share_words=shares.share_words,
        judged=shares.judged,
    )
    environment.globals.update(static_url=static.url, version=version(), page="", glossary=GLOSSARY)
    return environment


def _viewer(request: Request) -> Principal:
    """Return the principal, for the header; a visitor if the database does not answer."""
    if cookies.read(request, SESSION_COOKIE) is None:
        return VISITOR
    try:
        return identify(request)
    except (SightlineError, SQLAlchemyError):
        return VISITOR


def page(
    request: Request,
    template: str,
    context: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a template, which also gets `viewer` (a Principal) and the request's `path`."""
    web = app_state(request)
    web.static.refresh()
    here = {"viewer": _viewer(request), "path": request.url.path}
    text = web.templates.get_template(template).render({**here, **context})
    return HTMLResponse(text, status, headers=headers)
