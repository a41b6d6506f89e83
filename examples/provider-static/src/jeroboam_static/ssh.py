"""One machine over SSH: a connection that is kept, a deadline for each command, and OpenSSH's refusals in our words."""

from __future__ import annotations

import asyncio
import shlex

import asyncssh

from jeroboam.domain.errors import JeroboamError, ProviderRefused, ProviderUnavailable

from .inventory import Entry

CONNECT_S = 10.0
COMMAND_S = 60.0
_SESSIONS = 8  # sshd lets ten through on one connection, unless told otherwise (sshd_config, MaxSessions)
_LOST = (asyncssh.ConnectionLost, asyncssh.ChannelOpenError, BrokenPipeError, ConnectionResetError)


class CommandFailed(Exception):
    """It ended with `code`, which the caller may know what to do with."""

    def __init__(self, code: int | None, said: str) -> None:
        super().__init__(said)
        self.code = code
        self.said = said


class Shell:
    """Runs scripts as root on one machine. Its host key must be the inventory's; nothing of ~/.ssh or an agent is used."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._connection: asyncssh.SSHClientConnection | None = None
        self._opening = asyncio.Lock()
        self._sessions = asyncio.Semaphore(_SESSIONS)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    async def run(self, script: str, *arguments: str, stdin: bytes = b"", timeout_s: float = COMMAND_S) -> bytes:
        """Standard output of a shell script, which must be repeatable: a connection that broke is opened once more.

        Raises CommandFailed; ProviderUnavailable when the machine does not answer in time; ProviderRefused when it is not who it should be.
        """
        words = [*(() if self.entry.user == "root" else ("sudo", "-n")), "sh", "-c", script, "jeroboam", *arguments]
        try:
            async with asyncio.timeout(timeout_s + CONNECT_S), self._sessions:
                return await self._run(shlex.join(words), stdin)
        except TimeoutError as error:
            await self.close()
            raise self._away(f"did not answer within {timeout_s:g} s") from error
        except (asyncssh.Error, OSError) as error:
            await self.close()
            raise self._translated(error) from error

    async def _run(self, command: str, stdin: bytes) -> bytes:
        fresh = self._connection is None
        try:
            return await self._once(command, stdin)
        except _LOST:
            if fresh:
                raise
            await self.close()
            return await self._once(command, stdin)

    async def _once(self, command: str, stdin: bytes) -> bytes:
        connection = await self._connected()
        done = await connection.run(command, input=stdin, encoding=None)
        out, said = bytes(done.stdout or b""), bytes(done.stderr or b"").decode(errors="replace").strip()  # type: ignore[arg-type]
        if done.exit_status is None and done.exit_signal is None:
            raise asyncssh.ConnectionLost("the connection broke")
        if done.exit_status != 0:
            raise CommandFailed(done.exit_status, said)
        return out

    async def _connected(self) -> asyncssh.SSHClientConnection:
        async with self._opening:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncssh.connect(
                    self.entry.address,
                    self.entry.port,
                    username=self.entry.user,
                    client_keys=[str(self.entry.key_file)],
                    known_hosts=([self.entry.host_key], [], []),
                    server_host_key_algs=_algorithms(self.entry.host_key),
                    agent_path=None,
                    config=[],
                    preferred_auth="publickey",
                    connect_timeout=CONNECT_S,
                    login_timeout=CONNECT_S,
                    keepalive_interval=10,
                    keepalive_count_max=2,
                )
            return self._connection

    def _translated(self, error: Exception) -> JeroboamError:
        at = f"{self.entry.name} ({self.entry.address}:{self.entry.port})"
        if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed):
            return ProviderRefused(
                f"{at} shows another host key than the inventory's; nothing was sent to it.",
                hint="Make sure that it is the machine you mean; then write its new key as host_key.",
            )
        if isinstance(error, asyncssh.PermissionDenied):
            return ProviderRefused(
                f"{at} does not let {self.entry.user} in with {self.entry.key_file}.",
                hint="Put the key's public half into the user's ~/.ssh/authorized_keys there.",
            )
        if isinstance(error, asyncssh.KeyImportError | FileNotFoundError | PermissionError):
            return ProviderRefused(f"{self.entry.name}: key_file {self.entry.key_file} cannot be used: {error}.")
        return self._away(f"does not answer: {error}")

    def _away(self, what: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"{self.entry.name} ({self.entry.address}:{self.entry.port}) {what}.",
            after_s=2,
            hint="Start the machine, or take it out of the inventory.",
        )


def _algorithms(key: asyncssh.SSHKey) -> list[str]:
    """How a server may prove that it has this key: an RSA key signs in ways that have other names than the key."""
    name = key.get_algorithm()
    return ["rsa-sha2-512", "rsa-sha2-256"] if name == "ssh-rsa" else [name]
