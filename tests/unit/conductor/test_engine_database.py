"""What the engine's database fails with: which of it is for later, and with which words."""

import pytest
import sqlalchemy as sa

from jeroboam.conductor.engine_database import in_use
from jeroboam.domain.errors import ProviderUnavailable


@pytest.mark.parametrize("kind", [sa.exc.ProgrammingError, sa.exc.IntegrityError])
def test_a_statement_that_it_does_not_take_is_not_called_a_database_that_is_away(kind: type[sa.exc.DBAPIError]) -> None:
    with pytest.raises(ProviderUnavailable) as caught, in_use():
        raise kind("SELECT", {}, ValueError("no such column"))
    assert caught.value.message == "The engine's database does not take a statement: no such column"
    assert caught.value.hint.startswith("This does not pass by itself: ")
    assert caught.value.after_s == 10.0


def test_a_mistake_of_ours_passes_as_it_is() -> None:
    with pytest.raises(sa.exc.ArgumentError), in_use():
        raise sa.exc.ArgumentError("no such column")


@pytest.mark.parametrize(
    "error",
    [sa.exc.OperationalError("SELECT", {}, ValueError("it is full")), sa.exc.TimeoutError("it is full")],
    ids=["database", "pool"],
)
def test_what_may_be_mended_meanwhile_is_for_later(error: sa.exc.SQLAlchemyError) -> None:
    with pytest.raises(ProviderUnavailable) as caught, in_use():
        raise error
    assert caught.value.message == "The engine's database refuses: it is full"
    assert caught.value.hint.startswith("Look at its disk")
