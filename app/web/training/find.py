"""Dependencies that return the run or study of the address, for those who may have it.

Each checks the permission first, then raises NotFound: who may not read learns of no id.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from app.db.training_tables import Study, TrainingRun
from app.training import control
from app.web.http.deps import ReadSession, WriteSession
from app.web.http.parameters import PathId
from app.web.http.principal import Admin, Reader, Trainer


def _readable_run(run_id: PathId, _: Reader, session: ReadSession) -> TrainingRun:
    return control.find_run(session, run_id)


def _trainable_run(run_id: PathId, _: Trainer, session: WriteSession) -> TrainingRun:
    return control.find_run(session, run_id)


def _administered_run(run_id: PathId, _: Admin, session: WriteSession) -> TrainingRun:
    return control.find_run(session, run_id)


def _readable_study(study_id: PathId, _: Reader, session: ReadSession) -> Study:
    return control.find_study(session, study_id)


def _trainable_study(study_id: PathId, _: Trainer, session: WriteSession) -> Study:
    return control.find_study(session, study_id)


ReadableRun = Annotated[TrainingRun, Depends(_readable_run)]
TrainableRun = Annotated[TrainingRun, Depends(_trainable_run)]
AdministeredRun = Annotated[TrainingRun, Depends(_administered_run)]
ReadableStudy = Annotated[Study, Depends(_readable_study)]
TrainableStudy = Annotated[Study, Depends(_trainable_study)]
