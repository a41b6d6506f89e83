"""What the store's tests have in common."""

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from jeroboam.store import SqlStore
from jeroboam.testing import builders

KEY = b"k" * 32


def plain_engine(url: str) -> sa.Engine:
    """Past the store: the database as it is. No connection outlives its use."""
    plain = "sqlite" if url.startswith("sqlite") else "postgresql+psycopg"
    return sa.create_engine(make_url(url).set(drivername=plain), poolclass=sa.NullPool)


async def add(store: SqlStore, **changes: object) -> tuple[str, str]:
    """A cluster in the store; its uuid and its operation's."""
    cluster = builders.cluster(**changes)
    operation = builders.operation(cluster)
    await builders.keep(store, cluster, operation)
    return cluster.uuid, operation.uuid
