"""Errors that carry a status, a name and a sentence that says what to do."""

from __future__ import annotations


class SightlineError(Exception):
    """An expected failure: shown to the visitor as `{"error": name, "detail": detail}`."""

    status: int = 500
    name: str = "internal_error"
    default = "Something went wrong inside Sightline; try again."

    def __init__(
        self, detail: str = "", *, status: int | None = None, retry_after: int | None = None
    ) -> None:
        self.detail = detail or self.default
        self.status = status if status is not None else type(self).status
        self.retry_after = retry_after  # seconds, for the header of the same name
        super().__init__(self.detail)


class NotFound(SightlineError):
    """The resource does not exist, or was deleted."""

    status = 404
    name = "not_found"
    default = "There is nothing here: it was deleted, or the address is mistyped."


class Unauthorised(SightlineError):
    """Nobody is signed in, or the token is unknown, expired or revoked."""

    status = 401
    name = "unauthorised"
    default = "Sign in at /sign-in, or send a valid token as `Authorization: Bearer sl_...`."


class Forbidden(SightlineError):
    """The principal may read this but not change it."""

    status = 403
    name = "forbidden"
    default = "Only the visitor who made this may change it."


class Conflict(SightlineError):
    """The resource is in a state that does not allow this."""

    status = 409
    name = "conflict"
    default = "This cannot be done in its present state."


class Unprocessable(SightlineError):
    """The request is well formed but asks for something that does not exist."""

    status = 422
    name = "unprocessable"
    default = "The request cannot be carried out as it is."


class BadMedia(SightlineError):
    """The file is not a readable photo or clip: 415 for its kind, 400 for its content."""

    status = 415
    name = "bad_media"
    default = "This file is not a photo or a clip that Sightline can read."


class BadArchive(SightlineError):
    """The file is not an archive of images that can be read."""

    status = 415
    name = "bad_archive"
    default = "This file is not a ZIP or TAR of images that Sightline can read."


class TooLarge(SightlineError):
    """The file or the picture in it exceeds a limit."""

    status = 413
    name = "too_large"
    default = "The file is too large."


class TooSlow(SightlineError):
    """The body of a request does not arrive in time."""

    status = 408
    name = "too_slow"
    default = "The request did not arrive in time; send it again."


class TooMany(SightlineError):
    """The client sends too many requests."""

    status = 429
    name = "too_many"
    default = "Too many requests; wait a minute and try again."


class Busy(SightlineError):
    """The server is still working on it, or is overloaded; `retry_after` says when to retry."""

    status = 503
    name = "busy"
    default = "The server is busy; try again in a few seconds."


class DiskFull(SightlineError):
    """The server's disk is full."""

    status = 507
    name = "disk_full"
    default = "The server's disk is full; delete old analyses or free some space, then try again."
