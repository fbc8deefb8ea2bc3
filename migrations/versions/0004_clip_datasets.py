"""Datasets of clips beside those of images."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.Column("kind", sa.String(length=8), nullable=False, server_default="images")
    with op.batch_alter_table("datasets") as datasets:
        datasets.add_column(kind)


def downgrade() -> None:
    with op.batch_alter_table("datasets") as datasets:
        datasets.drop_column("kind")
