"""Every error that crosses a package border. What may be done about it is its type; HTTP codes are the API's business.

JeroboamError
 UserError            the tenant can fix it: InvalidRequest NotFound Ambiguous Conflict (BeingDeleted) Cancelled Forbidden QuotaExceeded
                      NotSupported
 RetryLater           will likely pass by itself: ProviderUnavailable IdentityUnavailable RateLimited CoeUnreachable (CoeUntrusted)
                      LeaseLost
 Permanent            stop until the wish or the installation changes: ProviderRefused CoeRefused BootstrapFailed LeftBehind
                      DeadlineExceeded ArtifactUnavailable ArtifactCorrupt HostUnsupported ConfigError
 Bug                  a promise of ours was broken
"""

from __future__ import annotations

import asyncio
from enum import StrEnum


class ErrorClass(StrEnum):
    """Whose move it is after a failure."""

    USER = "user"
    TRANSIENT = "transient"
    OPERATOR = "operator"
    BUG = "bug"


class JeroboamError(Exception):
    """Root of the tree. `str(error)` is the sentence shown to people; `hint` is the next move, if there is one."""

    error_class = ErrorClass.BUG
    log = ""  # what there is to tell in full

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UserError(JeroboamError):
    """The request cannot be served as it stands; sending it again unchanged does not help."""

    error_class = ErrorClass.USER


class InvalidRequest(UserError):
    """A value is not acceptable. `field` names it."""

    def __init__(self, message: str, *, field: str = "", value: object = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field
        self.value = value


class NotFound(UserError):
    """Nothing of this kind and name exists where the caller may look."""

    def __init__(self, kind: str, ident: str, *, message: str = "", hint: str = "") -> None:
        super().__init__(message or f"{kind} {ident} could not be found.", hint=hint)
        self.kind = kind
        self.ident = ident


class Ambiguous(UserError):
    """Several things bear the name; only the uuid tells them apart."""


class Cancelled(UserError):
    """Somebody asked for the end of an operation before it was done."""


class Conflict(UserError):
    """The present state does not allow this."""


class BeingDeleted(Conflict):
    """The cluster is on its way out and takes no change."""


class Forbidden(UserError):
    """The caller's roles do not allow this."""


class QuotaExceeded(UserError):
    """A limit of the project is reached."""


class NotSupported(UserError):
    """The driver or the provider lacks this ability."""


class RetryLater(JeroboamError):
    """Will likely pass. `after_s` is when a new try makes sense, in seconds; `log` what was done meanwhile, a line each."""

    error_class = ErrorClass.TRANSIENT

    def __init__(self, message: str, *, after_s: float = 1.0, hint: str = "", log: str = "") -> None:
        super().__init__(message, hint=hint)
        self.after_s = after_s
        self.log = log


class ProviderUnavailable(RetryLater):
    """The infrastructure does not answer."""


class IdentityUnavailable(RetryLater):
    """Who is calling cannot be found out: the identity service does not answer."""


class RateLimited(RetryLater):
    """The infrastructure asks us to slow down."""


class CoeUnreachable(RetryLater):
    """The cluster's own API does not answer (yet)."""


class CoeUntrusted(CoeUnreachable):
    """What answers in the place of the cluster's API and we do not know each other. Asked again, since certificates are renewed; but
    where it lasts, it is the operator's to look at."""

    error_class = ErrorClass.OPERATOR


class LeaseLost(RetryLater):
    """Another worker, or a newer operation, owns this cluster now; this one must stop at once and write nothing."""


class LeaseOver(asyncio.CancelledError):
    """This conductor's own lease is over: all of its work is cancelled, as by a stop, and goes on elsewhere. No error of an operation."""


class Permanent(JeroboamError):
    """Stop: trying again unchanged cannot succeed."""

    error_class = ErrorClass.OPERATOR


class ProviderRefused(Permanent):
    """The infrastructure said no."""


class CoeRefused(Permanent):
    """The cluster's own API said no."""


class BootstrapFailed(Permanent):
    """A node's first boot failed. `log` holds the last lines of its console."""

    def __init__(self, message: str, *, node: str, log: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.node = node
        self.log = log


class LeftBehind(Permanent):
    """A forced deletion gave up on something. `log` names it all, a line each."""

    def __init__(self, message: str, *, log: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.log = log


class DeadlineExceeded(Permanent):
    """Something did not happen in time; the message names what was still missing."""


class ArtifactUnavailable(Permanent):
    """No source can supply a binary, image or package."""


class ArtifactCorrupt(Permanent):
    """A download does not match its published checksum."""


class HostUnsupported(Permanent):
    """This machine or its Docker daemon lacks something that is needed."""


class ConfigError(Permanent):
    """The service's configuration is wrong."""


class Bug(JeroboamError):
    """A promise of ours was broken. `incident` finds the trace in the log."""

    def __init__(self, message: str, *, incident: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.incident = incident
