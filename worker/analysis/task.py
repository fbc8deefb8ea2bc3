"""An analysis in progress: what is asked, and what an earlier try has stored of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db.tables import Analysis, Media
from app.db.targets import Target
from app.jobs.parameters import AnalysisRequest
from ml.explain import targets
from worker.context import Context

REPORT_SECONDS = 0.25
SAMPLED = 0.25  # progress when a clip's snippets and their flow are there


def _next_report() -> float:
    return time.monotonic() + REPORT_SECONDS


def find(session: Session, analysis_id: str) -> tuple[Analysis, AnalysisRequest]:
    """Return an analysis and what it asks for; NotFound if it was deleted."""
    analysis = rows.get(session, analysis_id)
    if analysis is None:
        raise NotFound("The analysis was deleted.")
    return analysis, AnalysisRequest.model_validate(analysis.request)


def as_asked(target: Target) -> targets.Target:
    """Return a request's target as `ml` names it."""
    return targets.Named(target["class"]) if isinstance(target, dict) else target


@dataclass
class Task:
    """The analysis of a medium, with the models that have a row, and those that failed."""

    context: Context
    analysis_id: str
    request: AnalysisRequest
    media: Media
    answered: set[str]
    failed: set[str]
    _report_at: float = field(default_factory=_next_report)

    @classmethod
    def load(cls, analysis_id: str, context: Context) -> Task:
        """Read the rows; NotFound if the analysis was deleted."""
        with context.runtime.readers() as session:
            analysis, request = find(session, analysis_id)
            answered, failed = rows.answered_models(session, analysis_id), analysis.problems or {}
            return cls(context, analysis_id, request, analysis.media, answered, set(failed))

    @property
    def done(self) -> set[str]:
        """The models whose part is stored: a job that is tried again skips them."""
        return self.answered | self.failed

    @property
    def of_clip(self) -> bool:
        """Whether the medium is a clip."""
        return self.request.clip is not None

    def progress(self, share: float) -> float:
        """Return the job's progress after a share (0..1) of the models."""
        sampled = SAMPLED if self.of_clip else 0.0
        return sampled + (1 - sampled) * share

    def report_sampling(self, share: float, message: str) -> None:
        """Store which share (0..1) of the sampling is done.

        Not more often than anybody can see, and never back to before what is stored.
        """
        if not self.done and time.monotonic() >= self._report_at:
            self.context.commit(SAMPLED * share, message)
            self._report_at = _next_report()
