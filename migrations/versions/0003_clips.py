"""Clips: what a browser can play, maps with a place in time, scores by stream and segment."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNIQUE = "uq_heatmaps_analysis_id"
PHOTO_KEY = ["analysis_id", "model", "stage", "method", "stream"]


def upgrade() -> None:
    with op.batch_alter_table("media") as media:
        media.add_column(sa.Column("codec", sa.String(length=32), nullable=True))
        media.add_column(sa.Column("playable", sa.String(length=8), nullable=False, server_default=""))
        media.add_column(sa.Column("playable_key", sa.String(length=128), nullable=True))
    with op.batch_alter_table("predictions") as predictions:
        predictions.add_column(sa.Column("clip", sa.JSON(), nullable=True))
    with op.batch_alter_table("heatmaps") as heatmaps:
        heatmaps.add_column(sa.Column("frame", sa.Integer(), nullable=False, server_default="-1"))
        heatmaps.drop_constraint(op.f(UNIQUE), type_="unique")
        heatmaps.create_unique_constraint(op.f(UNIQUE), [*PHOTO_KEY, "frame"])


def downgrade() -> None:
    op.execute("DELETE FROM heatmaps WHERE frame <> -1")
    with op.batch_alter_table("heatmaps") as heatmaps:
        heatmaps.drop_constraint(op.f(UNIQUE), type_="unique")
        heatmaps.create_unique_constraint(op.f(UNIQUE), PHOTO_KEY)
        heatmaps.drop_column("frame")
    with op.batch_alter_table("predictions") as predictions:
        predictions.drop_column("clip")
    with op.batch_alter_table("media") as media:
        media.drop_column("playable_key")
        media.drop_column("playable")
        media.drop_column("codec")
