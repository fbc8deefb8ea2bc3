"""Whether a map matters."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("heatmaps") as heatmaps:
        heatmaps.add_column(sa.Column("evidence", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("heatmaps") as heatmaps:
        heatmaps.drop_column("evidence")
