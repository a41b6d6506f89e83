"""What keystoneauth and openstacksdk raise, as errors of ours: whose move it is, and the next one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...domain.errors import ConfigError, IdentityUnavailable, JeroboamError, ProviderRefused, ProviderUnavailable


@contextmanager
def asking(what: str, service: str = "Keystone") -> Iterator[None]:
    """Foreign errors as ours, with what was tried and who was asked."""
    from keystoneauth1 import exceptions as faults
    from openstack import exceptions as sdk

    try:
        yield
    except JeroboamError:
        raise
    except sdk.ConfigException as error:
        raise _no_login(error) from error
    except (faults.MissingRequiredOptions, faults.MissingAuthPlugin, faults.NoMatchingPlugin) as error:
        raise _no_login(error) from error
    except faults.SSLError as error:
        raise ConfigError(
            f"{service}'s certificate is not believed: {_line(error)}.", hint="Name its CA with --cafile."
        ) from error
    except (faults.ConnectFailure, faults.DiscoveryFailure, faults.HttpServerError) as error:
        raise _away(what, error, service) from error
    except (faults.Unauthorized, faults.Forbidden, sdk.ForbiddenException) as error:
        raise ProviderRefused(
            f"{service} does not let this account {what}: {_line(error)}",
            hint=f"Log in as an administrator of {service}: OS_* or --os-cloud.",
        ) from error
    except (faults.ClientException, sdk.SDKException) as error:
        if isinstance(error, sdk.HttpException) and (error.status_code or 0) >= 500:
            raise _away(what, error, service) from error
        raise ProviderRefused(f"{service} refused to {what}: {_line(error)}") from error
    except OSError as error:  # a certificate file that is not there; the SDK's own are such, too
        raise ConfigError(f"Could not {what}: {_line(error)}") from error


def _away(what: str, error: Exception, service: str) -> JeroboamError:
    kind = IdentityUnavailable if service == "Keystone" else ProviderUnavailable
    return kind(
        f"{service} does not answer: could not {what}. {_line(error)}",
        after_s=5.0,
        hint=f"Run it again when {service} answers: it goes on where it stopped.",
    )


def _no_login(error: Exception) -> ConfigError:
    return ConfigError(
        f"Who logs in to Keystone is not told: {_line(error)}",
        hint="Set OS_CLOUD, --os-cloud or the variables OS_AUTH_URL, OS_USERNAME, OS_PASSWORD ... of an administrator.",
    )


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]
