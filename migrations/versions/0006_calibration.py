"""Whether a model abstains, and how likely a photo is of its kind."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    abstained = sa.Column("abstained", sa.Boolean(), nullable=False, server_default=sa.false())
    with op.batch_alter_table("predictions") as predictions:
        predictions.add_column(abstained)
        predictions.add_column(sa.Column("in_domain", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("predictions") as predictions:
        predictions.drop_column("in_domain")
        predictions.drop_column("abstained")
