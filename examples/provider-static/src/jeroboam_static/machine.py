"""What can be asked of one machine: who holds it, to hold it, to boot a node on it, to give it back."""

from __future__ import annotations

import asyncio
from importlib import resources

from jeroboam import bootstrap
from jeroboam.contracts import File, NodeConfig
from jeroboam.domain.errors import HostUnsupported, ProviderRefused, ProviderUnavailable

from . import lease as leases
from .inventory import Entry
from .lease import Lease
from .ssh import CommandFailed, Shell

LOOK_S = 15.0
DELIVER_S = 120.0
WIPE_S = 900.0  # a server's firmware takes minutes to start it again
_LACKS, _LOST_RACE, _NOT_OURS, _WIPES = 1, 17, 18, 19
_SCRIPTS = resources.files(__package__) / "scripts"


class Machine:
    """One entry of the inventory, by SSH."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._shell = Shell(entry)

    async def close(self) -> None:
        await self._shell.close()

    async def check(self, *programs: str) -> None:
        """Raises HostUnsupported naming what the machine lacks: of these programs, and of what every machine needs."""
        try:
            await self._do("check", *programs, timeout_s=LOOK_S, fine=(_LACKS,))
        except CommandFailed as error:
            lack = error.said.splitlines()[-1] if error.said else "does not give root's rights"
            raise HostUnsupported(
                f"{self.entry.name}: {lack}.",
                hint="Nodes need systemd, bash and Debian's usual tools; and root, or a user whose `sudo` asks for no password.",
            ) from error

    async def look(self) -> Lease | None:
        """Who holds it; None: nobody."""
        text = await self._do("look", timeout_s=LOOK_S)
        try:
            return leases.decode(text)
        except ValueError as error:
            raise ProviderRefused(
                f"{self.entry.name}: /var/lib/jeroboam-static/lease is not readable: {error}.",
                hint="If no cluster of yours is there, remove that folder on the machine.",
            ) from error

    async def claim(self, lease: Lease) -> bool:
        """Hold it. False: somebody else was quicker."""
        try:
            await self._do("claim", stdin=leases.encode(lease), fine=(_LOST_RACE,))
        except CommandFailed:
            held = await self.look()
            return held is not None and held.id == lease.id  # the answer to the first try may have been lost
        return True

    async def change(self, held: Lease, new: Lease, *, once_wiped: bool = False) -> None:
        """The holder says something else of the machine, now or for the time when it is wiped."""
        await self._do("change", held.id, "after" if once_wiped else "lease", stdin=leases.encode(new))

    async def deliver(self, held: Lease, config: NodeConfig) -> None:
        """Boot a node, or go on where an earlier call was cut off. The bootstrap has begun when this returns."""
        await self._do("deliver", held.id, config.hostname, stdin=_cargo(config), timeout_s=DELIVER_S)

    async def balance(self, held: Lease, configuration: bytes) -> None:
        """Other nodes to forward to."""
        await self._do("balance", held.id, stdin=configuration)

    async def console(self, held: Lease, lines: int) -> str:
        """What the first boot said last."""
        return (await self._do("console", held.id, str(lines))).decode(errors="replace")

    async def free(self, held: Lease, *, within_s: float = WIPE_S) -> None:
        """Wipe it and wait until it is back. Raises ProviderUnavailable when it is not."""
        try:
            await self._do("free", held.id, fine=(_WIPES,))
        except CommandFailed:
            await self._shell.close()
            await self._until_free(held, within_s)

    async def _until_free(self, held: Lease, within_s: float) -> None:
        why = "it has not begun"
        try:
            async with asyncio.timeout(within_s):
                while True:
                    await asyncio.sleep(0.5)
                    try:
                        now = await self.look()
                    except (ProviderUnavailable, ProviderRefused) as error:
                        # Refused, too: while a machine starts, pam_nologin lets nobody in but root.
                        why = error.message
                        continue
                    if now is None or now.id != held.id:
                        return
                    why = "it has not wiped itself yet"
        except TimeoutError as error:
            raise ProviderUnavailable(
                f"{self.entry.name} is not back from being wiped after {within_s:g} s: {why.rstrip('.')}.",
                after_s=30,
                hint="Look at the machine's own console.",
            ) from error

    async def _do(
        self, script: str, *arguments: str, stdin: bytes = b"", timeout_s: float = 60.0, fine: tuple[int, ...] = ()
    ) -> bytes:
        """One script. Raises CommandFailed for the codes in `fine`; any other becomes an error for people."""
        text = (_SCRIPTS / f"{script}.sh").read_text()
        try:
            return await self._shell.run(text, *arguments, stdin=stdin, timeout_s=timeout_s)
        except CommandFailed as error:
            if error.code in fine:
                raise
            if error.code == _NOT_OURS:
                raise ProviderUnavailable(f"{self.entry.name} has changed hands meanwhile.", after_s=1) from error
            raise ProviderRefused(
                f"{self.entry.name}: {script} ended with code {error.code}: {error.said[-500:]}",
                hint="Log in to the machine and look; a full disk or a missing program is likely.",
            ) from error


def _cargo(config: NodeConfig) -> bytes:
    """The first boot, its unit, and what gives the machine back afterwards."""
    tree = [File(f"etc/systemd/system/{_BOOT}", (_SCRIPTS / _BOOT).read_bytes()), *config.files]
    extra = [File(name, (_SCRIPTS / name).read_bytes()) for name in ("keeper", "jeroboam-static-wipe.service")]
    return bootstrap.render_tar(NodeConfig(config.hostname, (*tree, *extra), config.commands))


_BOOT = "jeroboam-static-boot.service"
