"""Whose look a cluster at rest has, by the names of those who live."""

from datetime import UTC, datetime, timedelta

from jeroboam.conductor.shares import Shares
from jeroboam.contracts import Share

ONE, TWO, THREE = 260819517, 1936434399, 1856776461
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_one_alone_shares_with_nobody() -> None:
    assert Shares("one", lambda: ["one"]).own() is None
    assert Shares("one", list).own() is None  # before its first look at the leases


def test_all_give_each_name_the_same_number() -> None:
    names = ["one", "two", "three"]
    found = {name: Shares(name, lambda: names).own() for name in names}
    assert found == {
        "one": Share(ONE, (TWO, THREE)),
        "two": Share(TWO, (ONE, THREE)),
        "three": Share(THREE, (ONE, TWO)),
    }


def test_who_lives_is_asked_each_time() -> None:
    names = ["one", "two"]
    shares = Shares("one", lambda: names)
    assert shares.own() is not None
    names.remove("two")
    assert shares.own() is None


def test_help_is_given_a_pause_after_the_first_look_until_nothing_is_left_undone() -> None:
    shares, pause = Shares("one", list), timedelta(seconds=15)
    later = NOW + pause
    assert not shares.may_help(NOW, pause)
    assert not shares.may_help(later - timedelta(seconds=0.1), pause)
    assert shares.may_help(later, pause)
    assert shares.may_help(later, pause)  # something was left undone
    shares.helped(later)
    assert not shares.may_help(later + timedelta(seconds=14.9), pause)
    assert shares.may_help(later + pause, pause)
