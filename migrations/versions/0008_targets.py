"""A model that does not know the class asked for explains none."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = {
    "target_index": sa.Integer(),
    "target_name": sa.String(length=128),
    "target_logit": sa.Double(),
    "target_probability": sa.Double(),
}


def upgrade() -> None:
    with op.batch_alter_table("predictions") as predictions:
        for name, kind in COLUMNS.items():
            predictions.alter_column(name, existing_type=kind, nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM predictions WHERE target_index IS NULL")
    with op.batch_alter_table("predictions") as predictions:
        for name, kind in COLUMNS.items():
            predictions.alter_column(name, existing_type=kind, nullable=False)
