"""A map says what its numbers are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What pages and figures guessed until now; from here on whoever makes a map says it.
GUESS = """
UPDATE heatmaps SET unit = CASE
    WHEN stage = 'combined' THEN 'combined'
    WHEN method = 'rollout' THEN 'rollout'
    WHEN method NOT LIKE 'attention%' THEN 'evidence'
    WHEN min >= 0 AND abs(sum - 1) < 0.01 THEN 'share'
    ELSE 'gate'
END
"""


def upgrade() -> None:
    unit = sa.Column("unit", sa.String(length=16), nullable=False, server_default="evidence")
    with op.batch_alter_table("heatmaps") as heatmaps:
        heatmaps.add_column(unit)
    op.execute(GUESS)
    with op.batch_alter_table("heatmaps") as heatmaps:
        heatmaps.alter_column("unit", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("heatmaps") as heatmaps:
        heatmaps.drop_column("unit")
