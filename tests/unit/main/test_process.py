"""What the start tells of the database that it opens."""

import pytest

from jeroboam.main.process import place


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:////var/lib/jeroboam/store.sqlite", "sqlite:////var/lib/jeroboam/store.sqlite"),
        ("postgresql://jeroboam:geheim@db/jeroboam", "postgresql://jeroboam:***@db/jeroboam"),
        ("postgresql://jeroboam@/j?host=/run&password=geheim", "postgresql://jeroboam@/j?host=%2Frun"),
        ("postgresql://jeroboam@db/j?sslpassword=geheim", "postgresql://jeroboam@db/j"),
    ],
)
def test_no_secret_of_the_database_is_in_the_log(url: str, told: str) -> None:
    assert place(url) == told
