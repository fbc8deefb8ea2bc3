"""`python -m app backup FOLDER` and `restore FOLDER`: databases, blobs and keys, while it runs.

The database is copied row by row into a SQLite file, from one moment, whichever database it is: no
programs of PostgreSQL are needed, and a backup of one kind can be restored into the other. Blobs
never change, so a second backup into the same folder copies only what is new.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.core.home import make_home
from app.core.settings import Settings
from app.db import account_tables, training_tables  # noqa: F401 - their tables are in Base too
from app.db.engine import make_engine
from app.db.migrate import upgrade
from app.db.tables import Base

DATABASE = "database.sqlite3"
BLOBS, KEY, RUNS = "blobs", "secret.key", "runs"
ROWS = 500  # at once


class BackupError(Exception):
    """A backup or a restore is not possible; the text says what to do."""


def backup(settings: Settings, folder: Path) -> None:
    """Copy everything that cannot be computed again into a folder, also of a running server.

    Blobs are copied before the database, so that one deleted meanwhile is there, and after it, so
    that one that came meanwhile is there too.

    Raises:
        BackupError: The folder is inside of what is copied, or there is no room.
    """
    for source in (settings.home, settings.blob_dir):
        if folder.resolve().is_relative_to(source.resolve()):
            raise BackupError(f"{folder} is inside {source}: choose a folder elsewhere.")
    make_home(folder)
    try:
        _copy_new(settings.blob_dir, folder / BLOBS)
        part = folder / f"{DATABASE}.part"
        part.unlink(missing_ok=True)
        engine = make_engine(settings)
        upgrade(engine, settings)
        _copy_rows(engine, _file(part))
        part.replace(folder / DATABASE)
        _copy_new(settings.blob_dir, folder / BLOBS)
        _copy_all(settings.home / RUNS, folder / RUNS)
        if (settings.home / KEY).is_file():
            shutil.copy2(settings.home / KEY, folder / KEY)
    except OSError as error:
        raise BackupError(f"The backup is not complete: {error}.") from None


def restore(settings: Settings, folder: Path) -> None:
    """Make a backup the data of a server that has none yet, and does not run.

    A backup of an earlier version is migrated.

    Raises:
        BackupError: The folder is no backup, or the server has data.
    """
    if not (folder / DATABASE).is_file():
        raise BackupError(f"{folder} is not a backup: it has no {DATABASE}.")
    target = make_engine(settings)
    upgrade(target, settings)
    if _has_rows(target) or _has_files(settings.blob_dir):
        raise BackupError(
            "There are data already, which a restore would mix up: name an empty SIGHTLINE_HOME "
            "(and database, and blobs), or remove what is there."
        )
    present = settings.home / f"{DATABASE}.restoring"  # the backup itself stays as it is
    try:
        _copy_new(folder / BLOBS, settings.blob_dir)
        _copy_all(folder / RUNS, settings.home / RUNS)
        if (folder / KEY).is_file():
            shutil.copy2(folder / KEY, settings.home / KEY)
        shutil.copy2(folder / DATABASE, present)
        _copy_rows(_file(present), target)
    except SQLAlchemyError as error:
        raise BackupError(f"The backup's database cannot be read: {error}.") from None
    except OSError as error:
        raise BackupError(
            f"The restore is not complete: {error}. Empty {settings.home}, and try again."
        ) from None
    finally:
        for rest in (present, *present.parent.glob(f"{present.name}-*")):
            rest.unlink(missing_ok=True)
        target.dispose()


def _file(path: Path) -> Engine:
    """Return the engine of a SQLite file, with the present tables."""
    settings = Settings(home=path.parent, database_url=f"sqlite:///{path}")
    engine = make_engine(settings)
    upgrade(engine, settings)
    engine.dispose()  # the last connection writes the log into the file
    return create_engine(f"sqlite:///{path}")


def _copy_rows(source: Engine, target: Engine) -> None:
    """Copy all rows, as they are at one moment, into tables without rows."""
    reading = source.execution_options(sightline_read=True)
    if source.dialect.name == "postgresql":  # SQLite reads one moment anyway
        reading = reading.execution_options(isolation_level="REPEATABLE READ")
    with reading.begin() as old, target.begin() as new:
        for table in reversed(Base.metadata.sorted_tables):
            new.execute(table.delete())  # what a migration put there
        for table in Base.metadata.sorted_tables:
            rows = old.execution_options(yield_per=ROWS).execute(select(table)).mappings()
            for part in rows.partitions(ROWS):
                new.execute(insert(table), [dict(row) for row in part])
        if target.dialect.name == "postgresql":
            _go_on_counting(new)
    target.dispose()
    source.dispose()


def _go_on_counting(connection: Connection) -> None:
    """Let PostgreSQL's counters go on after the largest number that was copied."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            last = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            known = connection.scalar(select(sequence))
            if known is not None:
                connection.execute(select(func.setval(text(f"'{known}'"), last, False)))


def _has_rows(engine: Engine) -> bool:
    with engine.connect() as connection:
        return any(
            connection.execute(select(table).limit(1)).first() is not None
            for table in Base.metadata.sorted_tables
        )


def _has_files(folder: Path) -> bool:
    return next(_files(folder), None) is not None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files under a folder, but not those that are still being received."""
    parts = [path for path in folder.iterdir() if path.name[0] != "."] if folder.is_dir() else []
    return chain.from_iterable(
        (file for file in part.rglob("*") if file.is_file()) if part.is_dir() else (part,)
        for part in parts
    )


def _copy_new(source: Path, target: Path) -> None:
    """Copy the files that the target does not have; none of them ever changes."""
    target.mkdir(parents=True, exist_ok=True)
    for path in _files(source):
        copy = target / path.relative_to(source)
        if copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        part = copy.with_name(f".{copy.name}.part")
        try:
            shutil.copy2(path, part)
        except FileNotFoundError:  # deleted meanwhile
            continue
        part.replace(copy)


def _copy_all(source: Path, target: Path) -> None:
    """Copy files that change, such as the states of runs; each is whole at any moment."""
    for path in _files(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(path, copy)
        except FileNotFoundError:
            continue
