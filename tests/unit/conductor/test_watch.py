"""Who is silent, by what was seen and when: no clock but our own counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jeroboam.conductor.watch import Watch
from jeroboam.contracts import Lease

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
A = Lease("a", "token-a", "host", 1, EPOCH, EPOCH)


def watch() -> Watch:
    return Watch(timedelta(seconds=5))


def test_no_beat_for_the_length_of_the_lease_is_silence() -> None:
    seen = watch()
    assert [seen.silent([A], float(now)) for now in range(6)] == [[], [], [], [], [], [A]]


def test_a_beat_begins_the_measure_anew() -> None:
    seen = watch()
    for now in range(5):
        assert seen.silent([A], float(now)) == []
    later = replace(A, beats=2)
    assert [seen.silent([later], 5.0 + now) for now in range(5)] == [[], [], [], [], []]


def test_another_start_of_the_same_conductor_begins_the_measure_anew() -> None:
    seen = watch()
    for now in range(5):
        assert seen.silent([A], float(now)) == []
    assert seen.silent([replace(A, token="other")], 5.0) == []


def test_while_we_were_blind_nobody_was_silent() -> None:
    seen = watch()
    assert seen.silent([A], 0.0) == []
    assert seen.silent([A], 60.0) == []  # the database was away, or we were stopped
    assert seen.silent([A], 62.0) == []
    assert seen.silent([A], 64.0) == []
    assert seen.silent([A], 65.0) == [A]


def test_one_that_starts_has_six_times_as_long() -> None:
    seen, starting = watch(), replace(A, beats=0)
    looks = [seen.silent([starting], float(now)) for now in range(31)]
    assert looks == [[]] * 30 + [[starting]]
