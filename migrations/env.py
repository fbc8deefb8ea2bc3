"""Alembic's way into the tables: on the connection it is given, or on the settings' database."""

from alembic import context
from sqlalchemy import Connection

from app.core.settings import Settings
from app.db import account_tables, training_tables  # noqa: F401 (their tables)
from app.db.engine import make_engine
from app.db.tables import Base, UtcDateTime


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our own type of time as the plain one it is stored as, so revisions need no import."""
    is_time = kind == "type" and isinstance(item, UtcDateTime)
    return "sa.DateTime(timezone=True)" if is_time else False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",  # it cannot alter a column otherwise
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with make_engine(Settings()).begin() as connection:
        run(connection)
