"""A machine that is given back: what it may say while it starts anew."""

from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest
from msgspec import structs

from jeroboam.domain.errors import ProviderRefused, ProviderUnavailable
from jeroboam_static.inventory import Entry
from jeroboam_static.lease import Lease
from jeroboam_static.machine import Machine
from jeroboam_static.ssh import CommandFailed

KEY = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
ENTRY = Entry("rack-1", "192.0.2.1", 22, "me", Path("key"), KEY, "192.0.2.1", "host", None, frozenset({"worker"}))
HELD = Lease("lease-1", "cluster", "network", datetime(2026, 1, 1, tzinfo=UTC), "wiping")


class Wiping(Machine):
    """It wipes itself, and answers looks as told; the last answer stays."""

    def __init__(self, *looks: Lease | Exception | None) -> None:
        super().__init__(ENTRY)
        self.looks = list(looks)

    async def look(self) -> Lease | None:
        answer = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _do(self, script: str, *arguments: str, **_: object) -> bytes:
        assert (script, arguments) == ("free", ("lease-1",))
        raise CommandFailed(19, "")


@pytest.mark.parametrize("back", [None, structs.replace(HELD, id="lease-2", state="held")])
async def test_it_is_waited_for_while_it_refuses_or_does_not_answer(back: Lease | None) -> None:
    refuses = ProviderRefused("rack-1 does not let me in with key.")  # "System is booting up."
    away = ProviderUnavailable("rack-1 does not answer.", after_s=2)
    wiping = Wiping(away, refuses, HELD, back)
    await wiping.free(HELD)
    assert wiping.looks == [back]


async def test_one_that_never_comes_back_is_told_with_its_last_word() -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        await Wiping(ProviderRefused("rack-1 does not let me in with key.")).free(HELD, within_s=3)
    assert caught.value.message == (
        "rack-1 is not back from being wiped after 3 s: rack-1 does not let me in with key."
    )
