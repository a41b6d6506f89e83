"""From configuration to objects: every part of a process is made here, and nowhere else. Nothing is started."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from .. import plugins
from ..conductor.access import AdminAccess
from ..conductor.conductor import Conductor
from ..conductor.courier import Courier
from ..conductor.dbos_engine import DbosEngine
from ..conductor.dispatcher import Dispatcher
from ..conductor.healer import Healer
from ..conductor.health import HealthScan
from ..conductor.lease_keeper import LeaseKeeper
from ..conductor.pulse import Pulse
from ..conductor.shares import Shares
from ..config import Config
from ..contracts import (
    BootsFromVolumes,
    Clock,
    Driver,
    Identity,
    KeyVault,
    NeedsKey,
    NeedsProjects,
    ProjectLookup,
    Provider,
    SystemClock,
)
from ..domain.errors import ConfigError
from ..healing import Terms
from ..reconcile.reconciler import Reconciler
from ..reconcile.scope import Limits
from ..reconcile.turns import Turns
from ..store import Sealer
from .data_folder import DataFolder
from .metering import Meter, MeteredStore, Page
from .vitals import Vitals

if TYPE_CHECKING:
    from litestar import Litestar

    from ..config.groups import ClusterTemplateGroup, DeadlinesGroup
    from ..service import NetworkDrivers


@dataclass(frozen=True)
class Parts:
    """What both processes, API and conductor, stand on."""

    config: Config
    folder: DataFolder
    clock: Clock
    store: MeteredStore
    provider: Provider
    drivers: Mapping[str, Driver]
    broken_drivers: Mapping[str, str]
    default_driver: str | None
    meter: Meter


def parts(config: Config, folder: DataFolder, installed: plugins.Installed) -> Parts:
    """The folder must exist: the key is read, or made. Raises ConfigError."""
    settings = _settings(config, folder)
    provider = plugins.load_provider(installed, config.provider.default, settings)
    drivers = plugins.load_drivers(
        installed,
        provider=config.provider.default,
        enabled=config.drivers.enabled_drivers,
        disabled=config.drivers.disabled_drivers,
        settings=settings,
        declared=plugins.declared_drivers(provider),
    )
    _check_default_driver(config, drivers)
    clock = SystemClock()
    default = config.drivers.default_driver or drivers.default
    meter = Meter()
    meter.watch(provider)
    sealer = _sealer(folder)
    store = _store(folder, sealer, clock, meter)
    store.vault = _vault(config)
    store.migrates = config.database.migrate
    store.record_events = config.notifications.driver != "none"  # also of an API that runs alone
    if isinstance(provider, NeedsProjects):
        provider.use_projects(store.projects_of)
    if isinstance(provider, NeedsKey):
        provider.use_key(sealer.derive(f"provider {provider.name}"))
    if isinstance(provider, BootsFromVolumes):
        provider.use_boot_volume_size(config.cinder.default_boot_volume_size)
    return Parts(config, folder, clock, store, provider, drivers.loaded, drivers.broken, default, meter)


def conductor(parts: Parts) -> Conductor:
    """Call it under the folder's lock."""
    config, access = parts.config.conductor, AdminAccess(parts.clock)
    host = parts.config.default.host or socket.gethostname()
    executor_id = parts.folder.executor_id()
    lease = timedelta(seconds=config.lease_s)
    pulse = Pulse(lease)
    engine = DbosEngine(
        parts.folder.engine,
        executor_id=executor_id,
        alive=pulse.alive,
        workers=config.workers,
        per_tenant=min(config.tenant_workers, config.workers),
        poll_s=config.poll_s,
    )
    deadlines = limits(parts.config.deadlines)
    reconciler = Reconciler(
        store=parts.store,
        providers={parts.provider.name: parts.provider},
        default_provider=parts.provider.name,
        drivers=parts.drivers,
        clock=parts.clock,
        make_access=access,
        limits=deadlines,
        turns=Turns(parts.config.provider.calls_at_once),
    )
    dispatcher = Dispatcher(
        parts.store,
        engine,
        host,
        pause=timedelta(seconds=config.poll_s / 4),
        heartbeat=timedelta(seconds=config.heartbeat_s),
    )
    keeper = LeaseKeeper(
        parts.store,
        engine,
        executor_id,
        host,
        pulse,
        beat=lease / 5,
        lease=lease,
    )
    every = timedelta(seconds=config.health_s)
    healer = Healer(parts.store, parts.provider, parts.clock, _terms(parts.config))
    health = HealthScan(
        parts.store,
        parts.provider,
        parts.drivers,
        parts.clock,
        access,
        every=every,
        limit=deadlines.call,
        boot=deadlines.boot,
        healer=healer,
        shares=Shares(executor_id, keeper.alive),
    )
    return Conductor(parts.store, engine, reconciler, dispatcher, health, keeper, _courier(parts, keeper))


def limits(config: DeadlinesGroup) -> Limits:
    """The deadlines of operations, as configured."""
    return Limits(
        boot=timedelta(seconds=config.boot_s),
        coe=timedelta(seconds=config.ready_s),
        delete=timedelta(seconds=config.delete_s),
        forced=timedelta(seconds=config.force_s),
        call=timedelta(seconds=config.call_s),
        silence=timedelta(seconds=config.silence_s),
    )


def _terms(config: Config) -> Terms:
    group = config.healing
    return Terms(
        enabled=group.enabled,
        grace=timedelta(seconds=group.grace_s),
        share_percent=group.share_percent,
        attempts=group.attempts,
        backoff=timedelta(seconds=group.backoff_s),
        window=timedelta(seconds=group.window_s),
    )


def _courier(parts: Parts, keeper: LeaseKeeper) -> Courier | None:
    """None when nobody is told anything; the outbox is not written then."""
    config = parts.config.notifications
    if config.driver == "none":
        return None
    from .. import notify

    settings = {
        "url": config.url or "",
        "topics": ",".join(config.topics),
        "secret_file": str(config.secret_file or ""),
        "timeout_s": str(config.timeout_s),
        "host": keeper.host,
    }
    sender = notify.create(config.driver, settings)
    return Courier(
        parts.store,
        sender,
        parts.clock,
        deadline=timedelta(seconds=config.timeout_s * 2),
        max_age=timedelta(seconds=config.max_age_s),
        max_events=config.max_events,
        mine=lambda: keeper.first,
    )


def vitals(parts: Parts, conductor: Conductor) -> Vitals:
    """What the conductor tells of itself where it serves no API, or beside it."""
    return Vitals(parts.store, conductor.keeper.pulse, Page(parts.store, parts.meter, parts.clock))


def identity(config: Config) -> Identity:
    """Who may call, checked against where we listen. Raises ConfigError."""
    from .. import identity as modes

    if config.identity.mode == "keystone":
        given = _account(config)
    else:
        given = {"file": str(config.identity.file or ""), "peers": ",".join(config.identity.trusted_peers)}
    made = modes.create(config.identity.mode, {name: value for name, value in given.items() if value})
    made.check_listen(config.api.host)
    return made


def api(parts: Parts, who: Identity) -> Litestar:
    """The ASGI application."""
    from ..api import ApiSettings, create_app
    from ..service import Policy, Services, ServiceSettings

    config = parts.config
    services = Services(
        store=parts.store,
        providers={parts.provider.name: parts.provider},
        default_provider=parts.provider.name,
        drivers=parts.drivers,
        clock=parts.clock,
        policy=Policy(config.oslo_policy.policy_file),
        settings=ServiceSettings(
            max_clusters_per_project=config.quotas.max_clusters_per_project,
            max_limit=config.api.max_limit,
            default_driver=parts.default_driver,
            enabled_beta_drivers=config.drivers.enabled_beta_drivers,
            network_drivers=_network_drivers(config.cluster_template),
            default_boot_volume_size_gib=config.cinder.default_boot_volume_size,
            max_nodes_per_cluster=config.cluster.max_nodes_per_cluster,
            service_down_time_s=config.default.service_down_time,
        ),
        projects=_projects(who, parts.provider),
    )
    settings = ApiSettings(
        max_body_bytes=config.api.max_body_bytes,
        max_limit=config.api.max_limit,
        public_endpoint=config.api.public_endpoint,
    )
    metrics = Page(parts.store, parts.meter, parts.clock) if config.api.metrics else None
    return create_app(services=services, identity=who, settings=settings, metrics=metrics)


def _network_drivers(group: ClusterTemplateGroup) -> Mapping[str, NetworkDrivers]:
    from ..service import NetworkDrivers

    return {
        "kubernetes": NetworkDrivers(group.kubernetes_default_network_driver, group.kubernetes_allowed_network_drivers),
        "swarm": NetworkDrivers(group.swarm_default_network_driver, group.swarm_allowed_network_drivers),
    }


def _projects(who: Identity, provider: Provider) -> ProjectLookup | None:
    """Whoever knows which projects there are, Keystone before a catalogue."""
    return next((one for one in (who, provider.catalogue) if isinstance(one, ProjectLookup)), None)


def _account(config: Config) -> dict[str, str]:
    """The options of [keystone_authtoken] that are set, as text."""
    options = dataclasses.asdict(config.keystone_authtoken)
    return {name: str(value) for name, value in options.items() if value not in (None, False)}


def _vault(config: Config) -> KeyVault | None:
    if config.secrets.store == "table":
        return None
    try:
        from ..store.barbican import Barbican
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"[secrets] store = barbican needs the Python package {error.name}, which is not installed.",
            hint="pip install 'jeroboam[openstack]'",
        ) from error
    return Barbican(_account(config))


def _settings(config: Config, folder: DataFolder) -> plugins.Settings:
    """The plug-ins' own groups; the fake cloud survives a restart unless it is told where to be kept."""
    fake = {"state": str(folder.fake_cloud), **config.plugins.get(plugins.FAKE, {})}
    return {**config.plugins, plugins.FAKE: fake}


def _check_default_driver(config: Config, drivers: plugins.Drivers) -> None:
    name = config.drivers.default_driver
    if name and name not in drivers.loaded:
        reason = f" ({drivers.broken[name]})" if name in drivers.broken else ""
        raise ConfigError(
            f"[drivers] default_driver = {name} is not loaded{reason}.",
            hint=f"Loaded are: {', '.join(sorted(drivers.loaded))}. See [drivers] enabled_drivers.",
        )


def _store(folder: DataFolder, sealer: Sealer, clock: Clock, meter: Meter) -> MeteredStore:
    try:
        return MeteredStore(folder.database, sealer, clock, meter)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"[database] connection needs the Python package {error.name}, which is not installed.",
            hint=f"pip install {error.name}, or use an sqlite URL.",
        ) from error


def _sealer(folder: DataFolder) -> Sealer:
    try:
        return Sealer.from_file(folder.key_file)
    except OSError as error:
        raise ConfigError(
            f"The key file {folder.key_file} cannot be used: {error.strerror or error}.", hint="See [secrets] key_file."
        ) from error
