"""[deadlines] reaches the reconciler."""

from datetime import timedelta

from jeroboam.config.groups import DeadlinesGroup
from jeroboam.main.assembly import limits
from jeroboam.reconcile.scope import Limits


def test_what_is_not_configured_is_what_the_docs_say() -> None:
    assert limits(DeadlinesGroup()) == Limits()


def test_each_option_is_one_limit() -> None:
    found = limits(DeadlinesGroup(boot_s=1, ready_s=2, delete_s=3, force_s=4, call_s=5, silence_s=6))
    seconds = (found.boot, found.coe, found.delete, found.forced, found.call, found.silence)
    assert seconds == tuple(timedelta(seconds=number) for number in range(1, 7))
