"""An analysis on its way: what is asked, and what an earlier try has done of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from app.core.errors import NotFound
from app.db import analyses as rows
from app.db.tables import Media
from app.jobs.parameters import AnalysisRequest
from worker.context import Context


@dataclass
class Task:
    """The analysis of a medium; `done` holds the models whose results are stored."""

    context: Context
    analysis_id: str
    request: AnalysisRequest
    media: Media
    done: set[str]

    @classmethod
    def load(cls, analysis_id: str, context: Context) -> Self:
        """Read what the rows say; NotFound if the analysis was deleted."""
        with context.runtime.readers() as session:
            analysis = rows.get(session, analysis_id)
            if analysis is None:
                raise NotFound("The analysis was deleted.")
            media = analysis.media
            done = rows.answered_models(session, analysis_id)
            request = AnalysisRequest.model_validate(analysis.request)
        return cls(context, analysis_id, request, media, done)
