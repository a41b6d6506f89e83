"""The private PostgreSQL server of tests keeps its own promises."""

import pytest
import sqlalchemy as sa

from jeroboam.testing.postgres import PostgresServer

pytestmark = pytest.mark.postgresql


def test_a_durable_one_has_what_was_committed_before_it_was_killed() -> None:
    with PostgresServer(durable=True) as server:
        engine = sa.create_engine(server.url(driver="postgresql+psycopg"), poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE kept AS SELECT 7 AS number")
        with engine.connect() as under_way:
            under_way.exec_driver_sql("DELETE FROM kept")
            server.kill()
            with pytest.raises(sa.exc.OperationalError):
                under_way.exec_driver_sql("SELECT 1")
        server.start()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT number FROM kept").scalars().all() == [7]
