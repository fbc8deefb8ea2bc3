"""Queries on analyses and what belongs to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload

from app.db.documents import Problem, Provenance
from app.db.models import known_cards
from app.db.queries import Place, newest
from app.db.tables import Analysis, Heatmap, Job, Media, Prediction, new_id, utcnow
from app.db.targets import TOP, Target, alike, knows, name_of


def get(session: Session, analysis_id: str) -> Analysis | None:
    """Return an analysis, or None."""
    return session.get(Analysis, analysis_id)


def with_job(session: Session, analysis_id: str) -> Analysis | None:
    """Return an analysis with its job's state, read before anything else, or None.

    What is read afterwards is at least as new as the revision says.
    """
    return session.get(Analysis, analysis_id, options=[joinedload(Analysis.job)])


@dataclass(frozen=True)
class Choice:
    """Which maps are asked for; None leaves a column out. Times are seconds, ends included."""

    model: str | None = None
    stream: str | None = None
    stage: str | None = None
    method: str | None = None
    from_s: float | None = None
    to_s: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on a map's row."""
        names = ("model", "stream", "stage", "method")
        pairs = [(getattr(Heatmap, name), getattr(self, name)) for name in names]
        conditions = [column == value for column, value in pairs if value is not None]
        if self.from_s is not None:
            conditions.append(Heatmap.time_s >= self.from_s)
        if self.to_s is not None:
            conditions.append(Heatmap.time_s <= self.to_s)
        return conditions


ALL = Choice()


def heatmaps(session: Session, analysis_id: str, choice: Choice = ALL) -> list[Heatmap]:
    """Return an analysis's maps, by model, stage and method; of a clip by stream and time too."""
    order = (Heatmap.model, Heatmap.stage, Heatmap.method, Heatmap.stream, Heatmap.frame)
    query = select(Heatmap).where(Heatmap.analysis_id == analysis_id, *choice.conditions())
    return list(session.scalars(query.order_by(*order)))


def is_learnt(row: Heatmap) -> bool:
    """Whether a map is of a mask's column; the others are of evidence."""
    return row.method.startswith("attention")


def shown(
    session: Session, analysis_id: str, *, models: Sequence[str] | None = None, show: str = "both",
    evidence_of: str | None = None, choice: Choice = ALL, lacking: Collection[str] = (),
) -> list[Heatmap]:  # fmt: skip
    """Return the maps [h, w] that a table shows.

    Args:
        session: Of the database.
        analysis_id: Whose table it is.
        models: Its rows; None for all.
        show: `mask`, `cam` or `both`.
        evidence_of: An analysis whose evidence takes the place of this one's, where it has some.
        choice: Which maps there are at all.
        lacking: Models without evidence: they do not know the class that it is for.
    """
    maps = heatmaps(session, analysis_id, choice)
    if evidence_of is not None:
        others = [m for m in heatmaps(session, evidence_of, choice) if not is_learnt(m)]
        known = {m.model for m in others}
        maps = [m for m in maps if is_learnt(m) or m.model not in known] + others
    wanted = {"both": (True, False), "mask": (True,), "cam": (False,)}[show]
    return [
        m
        for m in maps
        if len(m.shape) == 2
        and is_learnt(m) in wanted
        and (models is None or m.model in models)
        and (is_learnt(m) or m.model not in lacking)
    ]


def lacking(session: Session, analysis: Analysis, evidence_of: str | None = None) -> set[str]:
    """Return the models of an analysis that do not know the class that evidence is for.

    An earlier version explained their own first class instead. With `evidence_of`, as for
    `shown`, it is what that analysis asks for.
    """
    asked = analysis if evidence_of is None else get(session, evidence_of)
    target = TOP if asked is None else asked.request.get("target", TOP)
    if asked is None or target == TOP:
        return set()
    said = {row.model: row for row in predictions(session, asked.id)}
    classes = {row.id: row.card["classes"] for row in known_cards(session)}
    return {
        model
        for model in analysis.request["models"]
        if not (
            _explains(said[model], target)
            if model in said
            else knows(classes[model], target)
            if model in classes
            else True
        )
    }


def _explains(said: Prediction, target: Target) -> bool:
    if said.target_name is None:
        return False
    if isinstance(target, int):
        return said.target_index == target
    return alike(said.target_name, name_of(target))


def map_owner(session: Session, analysis_id: str) -> str:
    """Return the analysis whose folder holds the maps: another one if a stored result answered.

    Beside the maps of a clip lie the frames and the mean flow of its snippets.
    """
    query = select(Heatmap.blob_key).where(Heatmap.analysis_id == analysis_id).limit(1)
    key = session.scalar(query)
    return analysis_id if key is None else key.split("/")[1]


def predictions(session: Session, analysis_id: str) -> list[Prediction]:
    """Return the answers of the models so far."""
    query = select(Prediction).where(Prediction.analysis_id == analysis_id)
    return list(session.scalars(query.order_by(Prediction.model)))


def answered_models(session: Session, analysis_id: str) -> set[str]:
    """Return the models that have a row."""
    query = select(Prediction.model).where(Prediction.analysis_id == analysis_id)
    return set(session.scalars(query))


def add_result(session: Session, prediction: Prediction, maps: Sequence[dict[str, Any]]) -> None:
    """Add one model's part of an analysis; its maps, a hundred and more, in one statement."""
    session.add(prediction)
    session.flush()
    if maps:
        session.execute(insert(Heatmap), list(maps))


def add_problem(session: Session, analysis_id: str, model: str, problem: Problem) -> None:
    """Store why a model has no row; the only worker that has the job calls this."""
    analysis = session.get_one(Analysis, analysis_id)
    analysis.problems = {**(analysis.problems or {}), model: problem}
    session.flush()


def set_provenance(session: Session, analysis_id: str, provenance: Provenance) -> None:
    """Store how the results came about."""
    session.execute(
        update(Analysis).where(Analysis.id == analysis_id).values(provenance=provenance)
    )


def find_answered(
    session: Session, fingerprint: str, media_id: str, models: Sequence[str]
) -> Analysis | None:
    """Return a succeeded analysis that answers the same question, with every model's row.

    One of this medium comes first, and of those one with the models in this order. The rows are
    locked against deletion until the transaction ends.
    """
    same = select(Analysis).join(Job, Job.id == Analysis.job_id)
    same = same.where(Analysis.fingerprint == fingerprint, Job.state == "succeeded")
    same = same.where(Analysis.problems.is_(None))  # a model that failed is tried again
    nearest_first = same.order_by(Analysis.media_id != media_id, Analysis.created_at).limit(32)
    found = session.scalars(nearest_first.with_for_update(read=True, of=Analysis, skip_locked=True))

    def distance(row: Analysis) -> tuple[bool, bool]:
        return row.media_id != media_id, row.request.get("models") != list(models)

    return min(found, key=distance, default=None)


def copy_results(session: Session, source: Analysis, target: Analysis) -> None:
    """Give `target` the results of `source`: new rows that point at the same blobs."""
    for prediction in predictions(session, source.id):
        session.add(Prediction(**_values(prediction) | {"analysis_id": target.id}))
    copies = [
        _values(heatmap) | {"id": new_id(), "analysis_id": target.id}
        for heatmap in heatmaps(session, source.id)
    ]
    if copies:
        session.execute(insert(Heatmap), copies)
    target.provenance = source.provenance
    session.flush()


def _values(row: Prediction | Heatmap) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def heatmap(session: Session, heatmap_id: str) -> Heatmap | None:
    """Return one map's row, or None."""
    return session.get(Heatmap, heatmap_id)


@dataclass(frozen=True)
class Wanted:
    """Which of a visitor's analyses are listed; None or "" leaves a condition out."""

    search: str = ""  # in the file's name, or in what the first model says; in any case
    kind: str | None = None  # image | clip
    since: datetime | None = None  # in UTC, included
    before: datetime | None = None  # in UTC, not included

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on an analysis joined to its medium."""
        conditions: list[ColumnElement[bool]] = []
        if self.search:
            says = and_(
                _is_first(),
                Prediction.top[(0, "name")].as_string().icontains(self.search, autoescape=True),
            )
            named = Media.filename.icontains(self.search, autoescape=True)
            conditions.append(or_(named, exists(select(Prediction.model).where(says))))
        if self.kind is not None:
            conditions.append(Media.kind == self.kind)
        if self.since is not None:
            conditions.append(Analysis.created_at >= self.since)
        if self.before is not None:
            conditions.append(Analysis.created_at < self.before)
        return conditions


EVERY = Wanted()


def page(
    session: Session, owner: str, wanted: Wanted, limit: int, after: Place | None = None
) -> list[Analysis]:
    """Return up to `limit` of a visitor's analyses with their media and jobs, newest first."""
    query = select(Analysis).join(Analysis.media).where(Analysis.owner == owner)
    loaded = query.options(contains_eager(Analysis.media), joinedload(Analysis.job))
    return newest(session, loaded.where(*wanted.conditions()), Analysis, limit, after)


def count(session: Session, owner: str, wanted: Wanted) -> int:
    """Return how many analyses of a visitor there are of this kind."""
    query = select(func.count(Analysis.id)).join(Analysis.media).where(Analysis.owner == owner)
    return session.scalar(query.where(*wanted.conditions())) or 0


def first_predictions(session: Session, analyses: Iterable[Analysis]) -> dict[str, Prediction]:
    """Return what the first model of each request says, by analysis; only where it has."""
    ids = [row.id for row in analyses]
    query = select(Prediction).join(Analysis, _is_first()).where(Analysis.id.in_(ids))
    return {row.analysis_id: row for row in session.scalars(query)}


def _is_first() -> ColumnElement[bool]:
    """Return whether a prediction is of the first model that its analysis asks for."""
    first = Analysis.request[("models", 0)].as_string()
    return and_(Prediction.analysis_id == Analysis.id, Prediction.model == first)


def several(session: Session, ids: Sequence[str]) -> list[Analysis]:
    """Return those of the analyses that exist, in the order of their ids."""
    query = select(Analysis).where(Analysis.id.in_(ids)).order_by(Analysis.id)
    return list(session.scalars(query))


def find_under_way(session: Session, fingerprint: str, media_id: str) -> Analysis | None:
    """Return an analysis of this medium that will answer the same question, or None."""
    under_way = Job.state.in_(("queued", "running"))
    same = select(Analysis).join(Job, Job.id == Analysis.job_id)
    same = same.where(Analysis.fingerprint == fingerprint, Analysis.media_id == media_id, under_way)
    return session.scalar(same.order_by(Analysis.created_at).limit(1))


def add_finished_job(session: Session, analysis: Analysis, kind: str) -> None:
    """Give an analysis whose results are stored already a job that has succeeded."""
    now = utcnow()
    analysis.job = Job(
        id=new_id(),
        kind=kind,
        queue="inference",
        state="succeeded",
        params={"analysis_id": analysis.id},
        progress=1.0,
        revision=1,
        started_at=now,
        finished_at=now,
    )
    session.add(analysis)
    session.flush()
