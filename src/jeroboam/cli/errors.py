"""What the command line tells when something is wrong: one sentence, the next move and an exit code. Never a traceback.

CliError             exit 1
 Unreachable         no service answers at the address
 Refused             the service said no (status, request id)
 BadAnswer           what answers does not speak this API
 OperationFailed     the service tried and failed; carries the operation
 WaitTimeout         `--wait` gave up; the operation goes on
 Interrupted         Ctrl-C while waiting; the operation goes on (exit 130)
 Usage               the command or a local file is wrong (exit 2)
"""

from __future__ import annotations

from typing import Any


class CliError(Exception):
    """Root. `message` is one sentence; `hint` the next move, "" when there is none; `details` goes into JSON errors only."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details or {}


class Unreachable(CliError):
    """No service answers at the address."""


class BadAnswer(CliError):
    """Something answers, but not with this API's JSON."""


class Refused(CliError):
    """The service answered with an error."""

    def __init__(self, message: str, *, status: int, request_id: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint, details={"status": status, "request_id": request_id})
        self.status = status
        self.request_id = request_id


class OperationFailed(CliError):
    """An operation ended in another way than well."""


class WaitTimeout(CliError):
    """The wait, not the operation, ran out of time."""


class Interrupted(CliError):
    """Ctrl-C while waiting."""

    exit_code = 130


class Usage(CliError):
    """An argument, an option or a file of the caller is wrong; the service was not asked to change anything."""

    exit_code = 2
