"""Handlers of errors: JSON of one shape for the API, a page for browsers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.core.errors import NotFound, SightlineError, Unauthorised
from app.web.http import templating
from app.web.http.middleware import headers_for
from app.web.http.openapi import allowed_methods

log = logging.getLogger(__name__)

# Names and texts of the errors that FastAPI and Starlette raise.
FRAMEWORK = {
    400: ("bad_request", "The request could not be read: check its body and its headers."),
    404: ("not_found", NotFound.default),
    405: ("method_not_allowed", "This address does not take that method; see the Allow header."),
    413: ("too_large", "The body of the request is too large."),
}
# What happened, as the title of a page; `detail` says what to do.
TITLES = {
    401: "Sign in first",
    403: "This is not yours to change",
    404: "Nothing at this address",
    405: "That cannot be done here",
    408: "Too slow",
    409: "Not in this state",
    413: "Too large",
    422: "This address makes no sense",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Busy just now",
    507: "The disk is full",
}
INTERNAL = ("internal_error", "Something went wrong inside Sightline; it has been logged.")
Headers = Mapping[str, str] | None


def install(app: FastAPI) -> None:
    """Register the error handlers."""
    app.add_exception_handler(SightlineError, _sightline)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_exception_handler(Exception, _internal)


def answer(
    request: Request, status: int, name: str, detail: str, headers: Headers = None
) -> Response:
    """Return the error as JSON, or as a page to a browser outside the API."""
    detail = detail.encode("utf-8", "replace").decode()  # a request may hold a lone surrogate
    if wants_page(request):
        title = TITLES.get(status) or HTTPStatus(status).phrase
        context = {"page": "error", "status": status, "title": title, "detail": detail}
        return templating.page(request, "error.html.jinja", context, status, headers)
    return JSONResponse({"error": name, "detail": detail}, status, headers=headers)


def wants_page(request: Request) -> bool:
    """Return True for a browser's page: outside /api/, with text/html in `Accept`."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get(
        "accept", ""
    )


def _sightline(request: Request, error: Exception) -> Response:
    assert isinstance(error, SightlineError)
    if isinstance(error, Unauthorised):
        return _unauthorised(request, error)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    return answer(request, error.status, error.name, error.detail, headers)


def _unauthorised(request: Request, error: Unauthorised) -> Response:
    """Redirect a page to the sign-in, which leads back; 401 for everything else."""
    if request.method in {"GET", "HEAD"} and wants_page(request):
        query = f"?{request.url.query}" if request.url.query else ""
        target = quote(f"{request.url.path}{query}", safe="/")
        return RedirectResponse(f"/sign-in?next={target}", status_code=303)
    headers = {"WWW-Authenticate": "Bearer"}
    return answer(request, error.status, error.name, error.detail, headers)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name, detail = FRAMEWORK.get(error.status_code, ("error", str(error.detail)))
    headers = _allow(request) if error.status_code == 405 else error.headers
    return answer(request, error.status_code, name, detail, headers)


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    if all(problem["loc"][0] == "path" for problem in problems):
        return _no_such_address(request)
    return answer(request, 422, "unprocessable", " ".join(map(_sentence, problems[:5])))


def _no_such_address(request: Request) -> Response:
    """Return 404, or 405 if the address has other methods (as `/datasets/imagenette` has)."""
    if request.url.path in request.app.openapi()["paths"]:
        return answer(request, 405, *FRAMEWORK[405], _allow(request))
    return answer(request, 404, NotFound.name, NotFound.default)


def _allow(request: Request) -> Headers:
    """Return the Allow header with every method of an address (RFC 9110, section 10.2.1).

    Starlette's own names the methods of one endpoint only: POST for a list that has GET too.
    """
    return {"Allow": ", ".join(allowed_methods(request.app.openapi(), request.url.path))}


def _sentence(problem: Any) -> str:
    place = [str(part) for part in _inside(problem["loc"])]
    message = str(problem["msg"]).rstrip(".")
    return f"{'.'.join(place)}: {message}." if place else f"{message}."


def _inside(location: Sequence[Any]) -> Sequence[Any]:
    return location[1:] if location and location[0] in {"body", "query", "header"} else location


def _database(request: Request, error: Exception) -> Response:
    log.error("database error at %s", request.url.path, exc_info=error)
    detail = "The database does not answer; try again in a few seconds."
    return answer(request, 503, "busy", detail, {"Retry-After": "3"})


def _internal(request: Request, error: Exception) -> Response:
    """Return 500. No middleware sees this response, so the security headers are added here."""
    log.error("unexpected error at %s", request.url.path, exc_info=error)
    headers = {name.decode(): value.decode() for name, value in headers_for(request.url.scheme)}
    headers["Connection"] = "close"  # the server closes it
    return answer(request, 500, *INTERNAL, headers)
