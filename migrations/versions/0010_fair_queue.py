"""Rows that failed alone, whose job it is and its lane, and rates that all processes share."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BATCH = "('draw_figure', 'draw_clip', 'make_playable')"


def upgrade() -> None:
    with op.batch_alter_table("analyses") as analyses:
        analyses.add_column(sa.Column("problems", sa.JSON(), nullable=True))
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("owner", sa.String(length=64), nullable=False, server_default=""))
        jobs.add_column(sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
    op.execute(f"UPDATE jobs SET lane = 1 WHERE kind IN {BATCH}")
    op.execute(
        "UPDATE jobs SET owner = (SELECT owner FROM analyses WHERE analyses.job_id = jobs.id) "
        "WHERE state IN ('queued', 'running') "
        "AND EXISTS (SELECT 1 FROM analyses WHERE analyses.job_id = jobs.id)"
    )
    op.drop_index("ix_jobs_claim", "jobs")
    op.create_index("ix_jobs_claim", "jobs", ["state", "queue", "lane", "rank", "created_at"])
    op.create_index("ix_jobs_owner", "jobs", ["owner", "state", "queue", "lane", "rank"])
    op.create_index("ix_jobs_started", "jobs", ["queue", "lane", "started_at"])
    op.create_table(
        "rates",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rates")),
    )
    op.create_index(op.f("ix_rates_started"), "rates", ["started"])


def downgrade() -> None:
    op.drop_table("rates")
    for name in ("ix_jobs_started", "ix_jobs_owner", "ix_jobs_claim"):
        op.drop_index(name, "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("lane")
        jobs.drop_column("owner")
    op.create_index("ix_jobs_claim", "jobs", ["state", "queue", "rank", "created_at"])
    with op.batch_alter_table("analyses") as analyses:
        analyses.drop_column("problems")
