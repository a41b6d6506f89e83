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
    except (sdk.ServiceDisabledException, faults.EndpointNotFound) as error:
        if service == "Keystone":  # none is known before the login has an address
            raise _no_login(error) from error
        raise ConfigError(
            f"The catalogue has no {service} for this login: {line(error)}",
            hint="See `openstack catalog list`. Where there are several regions, OS_REGION_NAME names one.",
        ) from error
    except sdk.NotSupported as error:  # said of one that does not answer, too
        raise _away(what, error, service) from error
    except sdk.ConfigException as error:
        raise _no_login(error) from error
    except (faults.MissingRequiredOptions, faults.MissingAuthPlugin, faults.NoMatchingPlugin) as error:
        raise _no_login(error) from error
    except faults.SSLError as error:
        raise ConfigError(
            f"{service}'s certificate is not believed: {line(error)}.", hint="Name its CA with --cafile."
        ) from error
    except (faults.ConnectFailure, faults.DiscoveryFailure, faults.HttpServerError) as error:
        raise _away(what, error, service) from error
    except (faults.Unauthorized, faults.Forbidden, sdk.ForbiddenException) as error:
        raise ProviderRefused(
            f"{service} does not let this account {what}: {line(error)}",
            hint=f"Log in as an administrator of {service}: OS_* or --os-cloud.",
        ) from error
    except (faults.ClientException, sdk.SDKException) as error:
        if isinstance(error, sdk.HttpException) and (error.status_code or 0) >= 500:
            raise _away(what, error, service) from error
        raise ProviderRefused(f"{service} refused to {what}: {line(error)}") from error
    except OSError as error:  # a certificate file that is not there; the SDK's own are such, too
        raise ConfigError(f"Could not {what}: {line(error)}") from error


def _away(what: str, error: Exception, service: str) -> JeroboamError:
    message = f"{service} does not answer: could not {what}. {line(error)}"
    hint = f"Run it again when {service} answers"
    if service == "Keystone":
        return IdentityUnavailable(message, after_s=5.0, hint=f"{hint}: it goes on where it stopped.")
    return ProviderUnavailable(message, after_s=5.0, hint=f"{hint}.")


def _no_login(error: Exception) -> ConfigError:
    return ConfigError(
        f"Who logs in to Keystone is not told: {line(error)}",
        hint="Set OS_CLOUD, --os-cloud or the variables OS_AUTH_URL, OS_USERNAME, OS_PASSWORD ... of an administrator.",
    )


def line(error: Exception) -> str:
    """What it says, as one line."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]
