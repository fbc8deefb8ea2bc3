"""How many analyses a visitor may ask for in a minute, and have waiting."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.requests import Request

from app.core.errors import TooMany
from app.db import jobs
from app.jobs.parameters import INFERENCE
from app.web.http.limits import limits
from app.web.http.state import AppState

WHAT = "analyses"
RETRY_SECONDS = 5  # some of those that wait have ended by then


@dataclass(frozen=True)
class Allowance:
    """The limits of one request for an analysis."""

    web: AppState
    request: Request
    owner: str

    def check(self) -> None:
        """Raise TooMany if a limit is reached, at the cost of a read."""
        self.web.limiter.check(self._limits(), WHAT)

    def take(self, session: Session, *, queued: bool) -> None:
        """Count one analysis in a session that writes; TooMany if a limit is reached.

        `queued`: it will wait for a worker; an answer from what is stored does not.
        """
        self.web.limiter.count(self._limits(), WHAT, session)
        most = self.web.settings.analyses_waiting
        if queued and most and jobs.unfinished_of(session, self.owner, INFERENCE, most) >= most:
            raise TooMany(
                f"{most} of your analyses are waiting already, which is the most; wait until some "
                "have ended, or cancel some.",
                retry_after=RETRY_SECONDS,
            )

    def _limits(self) -> dict[str, int]:
        each = self.web.settings.analyses_per_minute
        return limits("analysis", self.request, self.owner, each)
