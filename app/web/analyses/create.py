"""From a request to an analysis: defaults, checks, and answers that are stored already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from app.core.errors import Busy, Unprocessable
from app.db import analyses as rows
from app.db import models
from app.db.documents import Card
from app.db.tables import Analysis, Media, ModelCard, new_id
from app.jobs import service
from app.jobs.parameters import (
    AnalyseClipJob,
    AnalyseImageJob,
    AnalysisRequest,
    ClipOptions,
    Fit,
    Place,
    fingerprint,
)
from app.web.analyses import targets
from app.web.analyses.allowance import Allowance
from app.web.analyses.schemas import AnalysisCreate

DEFAULT_METHODS = ("attention", "gradcam")
MEDIA = {"image": "photos", "clip": "clips"}
CLIP_ONLY = ("segments", "from_s", "to_s", "flow")


def create(
    session: Session,
    media: Media,
    body: AnalysisCreate,
    owner: str,
    viewer: models.Viewer,
    allowance: Allowance,
) -> Analysis:
    """Return an analysis that answers: stored, already under way, or new with its job queued.

    TooMany if the visitor may not have a new one now.
    """
    cards = models.all_cards(session, viewer)
    request = complete(body, cards, media)
    versions = {row.id: (row.checkpoint_sha256, row.card.get("calibration")) for row in cards}
    question = fingerprint(media.sha256, request, versions)
    answered = rows.find_answered(session, question, media.id, request.models)
    if answered is not None and _same(answered, media, request):
        return answered
    under_way = rows.find_under_way(session, question, media.id)
    if under_way is not None and _same(under_way, media, request):
        return under_way
    allowance.take(session, queued=answered is None)
    analysis = Analysis(
        id=new_id(),
        owner=owner,
        media_id=media.id,
        request=request.model_dump(mode="json"),
        fingerprint=question,
        stored=answered is not None,
    )
    job_class = AnalyseClipJob if media.kind == "clip" else AnalyseImageJob
    if answered is not None:
        rows.add_finished_job(session, analysis, job_class.kind)
        rows.copy_results(session, answered, analysis)
    else:
        analysis.job = service.enqueue(session, job_class(analysis_id=analysis.id), owner=owner)
        session.add(analysis)
        session.flush()
    return analysis


def _same(analysis: Analysis, media: Media, request: AnalysisRequest) -> bool:
    """Whether an analysis that answers is the very one: of this medium, rows in this order."""
    return analysis.media_id == media.id and analysis.request["models"] == request.models


def complete(body: AnalysisCreate, cards: Sequence[ModelCard], media: Media) -> AnalysisRequest:
    """Fill the defaults in and check every name; Unprocessable, or Busy without models."""
    if not cards:
        raise Busy("The models are still loading; try again in a few seconds.", retry_after=2)
    chosen = _models(body.models, cards, media.kind)
    methods = _methods(body.methods or DEFAULT_METHODS, chosen)
    return AnalysisRequest(
        media_id=body.media_id,
        models=[card["id"] for card in chosen],
        methods=methods,
        target=targets.stored(body.target, chosen),
        input_size=body.input_size,
        fit=_fit(body.fit, media.kind),
        place=_place(body.place, media.kind),
        clip=clip_options(body, media),
    )


def _models(names: list[str] | None, cards: Sequence[ModelCard], kind: str) -> list[Card]:
    known = {row.id: row.card for row in cards}
    fit = {name: card for name, card in known.items() if models.media_kind(card) == kind}
    if not fit:
        raise Unprocessable(f"models: this server has none that look at {MEDIA[kind]}.")
    if names is None:
        usual = [card for card in fit.values() if card.get("default", True)]
        shipped = [card for card in fit.values() if models.SOURCE not in card]
        return usual or shipped or list(fit.values())
    for name in names:
        if name not in known:
            raise Unprocessable(f"models: there is no {name}; there are {_listed(fit)}.")
        if name not in fit:
            other = MEDIA[models.media_kind(known[name])]
            raise Unprocessable(
                f"models: {name} looks at {other}, not at {MEDIA[kind]}; "
                f"for these there are {_listed(fit)}."
            )
    return [fit[name] for name in dict.fromkeys(names)]


def _fit(asked: Fit | None, kind: str) -> Fit:
    if kind == "clip" and asked == "crop":
        raise Unprocessable("fit: the frames of a clip are seen whole; use shape or squash.")
    return asked or "shape"


def _place(asked: Place | None, kind: str) -> Place | None:
    if kind == "clip" and asked is not None:
        raise Unprocessable("place: only a photo can be made small; leave it out for a clip.")
    return asked


def clip_options(body: AnalysisCreate, media: Media) -> ClipOptions | None:
    """Return which part of a clip is looked at, None for a photo; Unprocessable if it cannot be."""
    given = {name: value for name in CLIP_ONLY if (value := getattr(body, name)) is not None}
    if media.kind != "clip":
        for name in given:
            raise Unprocessable(f"{name}: only a clip has that, and this is a photo; leave it out.")
        return None
    return ClipOptions(**given | _range(body.from_s, body.to_s, media))


def _range(from_s: float | None, to_s: float | None, media: Media) -> dict[str, float | None]:
    """Return the range, None at the clip's own ends: the same range is the same request."""
    ends = media.duration_s or 0.0
    frame = 1 / media.fps if media.fps else 0.0
    start, end = from_s or 0.0, ends if to_s is None else to_s
    if start >= ends:
        raise Unprocessable(f"from_s: the clip is {ends:.2f} s long; {start:g} is not within it.")
    if end > ends + frame:
        raise Unprocessable(f"to_s: the clip is {ends:.2f} s long; {end:g} is not within it.")
    if start >= end:
        raise Unprocessable(f"to_s: the range must end after it starts; {end:g} <= {start:g}.")
    if end - start < frame * (1 - 1e-6) and (start, end) != (0.0, ends):
        raise Unprocessable(f"to_s: the range is shorter than a frame; {frame:.3f} s is the least.")
    return {"from_s": start or None, "to_s": end if end < ends else None}


def _methods(names: Iterable[str], cards: Sequence[Card]) -> list[str]:
    offered = {method for card in cards for method in card.get("methods", [])}
    chosen = sorted(set(names), key=lambda name: (name not in DEFAULT_METHODS, name))
    for name in chosen:
        if name not in offered and name not in DEFAULT_METHODS:
            raise Unprocessable(
                f"methods: no chosen model offers {name}; they offer {_listed(sorted(offered))}."
            )
    if not offered & set(chosen):
        raise Unprocessable(
            f"methods: the chosen models have no {_listed(chosen)}; they offer "
            f"{_listed(sorted(offered))}."
        )
    return chosen


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
