"""The migrations give exactly the tables that the code has, and can start twice at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from app.core.settings import Settings
from app.db import migrate
from app.db.engine import make_engine
from app.db.tables import Base

OLD_MAP = (
    "INSERT INTO heatmaps (id, analysis_id, model, stage, method, stream, layer, shape, min, max, "
    "sum, blob_key, created_at) VALUES (:id, :id, 'm', :stage, :method, 'rgb', 'l', '[2, 2]', "
    ":low, 1, :total, 'k', '2026-01-01')"
)
OLD_ANSWER = (
    "INSERT INTO predictions (analysis_id, model, top, target_index, target_name, target_logit, "
    "target_probability, seconds) VALUES ('a', 'm', '[]', 0, 't', 1.5, 0.5, 0.1)"
)
START = (
    "from app.core.settings import Settings; from app.db.engine import make_engine;"
    "from app.db.migrate import upgrade; s = Settings(); upgrade(make_engine(s), s)"
)


def test_the_tables_are_those_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_the_head_is_alembics() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.head()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_processes_may_start_at_once(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = request.getfixturevalue("empty_postgres_url") if kind == "postgres" else ""
    settings = Settings(home=tmp_path, database_url=url)
    environment = settings.as_environment()
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", START], env=environment, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for start in starts:
        _, complaint = start.communicate(timeout=120)
        assert start.returncode == 0, complaint
    engine = make_engine(settings)
    with engine.connect() as connection:
        assert inspect(connection).has_table("heatmaps")
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    engine.dispose()


def test_a_database_that_is_right_needs_no_alembic(engine: Engine, settings: Settings) -> None:
    check = START + "; import sys; sys.exit('alembic' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], env=settings.as_environment(), check=True)


def test_maps_of_before_get_the_unit_that_pages_guessed(tmp_path: Path) -> None:
    maps = {  # stage, method, min, sum
        "share": ("late", "attention", 0.0, 1.001),
        "gate": ("late", "attention", 0.2, 20.0),
        "evidence": ("late", "gradcam", -1.0, 1.0),
        "rollout": ("late", "rollout", 0.0, 1.0),
        "combined": ("combined", "gradcam", 0.0, 5.0),
    }
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")  # it asks for no rows beside
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for unit, (stage, method, low, total) in maps.items():
            row = {"id": unit, "stage": stage, "method": method, "low": low, "total": total}
            connection.execute(text(OLD_MAP), row)
        command.upgrade(config, "head")
        units = connection.execute(text("SELECT id, unit FROM heatmaps")).all()
        command.downgrade(config, "0004")
        assert connection.scalar(text("SELECT count(*) FROM heatmaps")) == len(maps)
    engine.dispose()
    assert {tuple(row) for row in units} == {(unit, unit) for unit in maps}


def test_answers_of_before_have_not_abstained(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")  # it asks for no rows beside
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(text(OLD_ANSWER))
        command.upgrade(config, "head")
        query = text("SELECT abstained, in_domain, target_logit FROM predictions")
        assert tuple(connection.execute(query).one()) == (0, None, 1.5)
        command.downgrade(config, "0005")
        assert connection.scalar(text("SELECT target_logit FROM predictions")) == 1.5
    engine.dispose()
