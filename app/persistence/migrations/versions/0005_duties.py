"""Duties: what is to be done from time to time, when it was done last, and who is doing it.

Revision ID: 0005
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Make the table, unless a try that was cut off has made it: MySQL commits each statement."""
    op.create_table(
        "duties",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("claim", sa.String(32), nullable=True),
        sa.Column("lease_ends", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_at", sa.DateTime(), nullable=True),
        sa.Column("failed_at", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
        if_not_exists=True,
        **OPTIONS,
    )
