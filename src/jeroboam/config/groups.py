"""All options of the service, one table a group. Names are those of magnum.conf where the meaning is the same."""

# ruff: noqa: RUF009 - option() makes a dataclass field

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import kinds
from .option import option

_DAY_S = 86400


@dataclass(frozen=True)
class DefaultGroup:
    """The process as a whole."""

    state_path: Path | None = option(
        None,
        kinds.path("a folder"),
        "The data folder: database, key file, what the durable engine keeps. It is made with mode 0700. When it is not set: "
        "`NAME.d` beside the SQLite file that [database] connection names, else $XDG_DATA_HOME/jeroboam.",
    )
    host: str | None = option(
        None,
        kinds.optional_text("a name without spaces", pattern=r"[^\s\x00-\x1f]{1,255}"),
        "Name of this conductor in `coe service list`. When it is not set: the machine's host name.",
    )
    service_down_time: int = option(
        180, kinds.whole(1, _DAY_S), "Seconds without a sign of life after which a conductor is shown as down."
    )


@dataclass(frozen=True)
class ApiGroup:
    """The HTTP API."""

    host: str = option(
        "127.0.0.1", kinds.text("an address or host name", pattern=r"[0-9A-Za-z:.%_-]+"), "Address to listen on."
    )
    port: int = option(9511, kinds.whole(1, 65535), "TCP port to listen on.")
    max_limit: int = option(
        1000, kinds.whole(1, 100_000), "Most entries in one answer of a list; also used when the client names no limit."
    )
    max_body_bytes: int = option(
        1_048_576, kinds.whole(1024, 64 * 1_048_576), "Largest body of a request; a larger one is answered with 413."
    )
    metrics: bool = option(
        True,
        kinds.flag(),
        "Whether /metrics is served: numbers for Prometheus, to anybody who reaches the API; no tenant is in them.",
    )
    public_endpoint: str | None = option(
        None,
        kinds.optional_text("an http or https URL", pattern=r"https?://[^\s/]\S*"),
        "The address of links in answers, such as https://magnum.example. When it is not set: what the client addressed.",
    )


@dataclass(frozen=True)
class DatabaseGroup:
    """Where clusters, templates and operations are kept."""

    connection: str | None = option(
        None,
        kinds.optional_text(
            "an SQLAlchemy URL: sqlite:////PATH or postgresql://...", pattern=r"(sqlite|postgresql)\S*:/\S+"
        ),
        "SQLAlchemy URL, sqlite or postgresql. When it is not set: an SQLite file in the data folder.",
        secret=True,
    )
    migrate: bool = option(
        True,
        kinds.flag(),
        "Whether a process brings the schema up to date at its start; processes of the release before serve on. false: it "
        "refuses to start on an older schema, and `jeroboam db upgrade` is the way.",
    )


@dataclass(frozen=True)
class IdentityGroup:
    """Who may call."""

    mode: str = option(
        "none",
        kinds.text("the name of a mode: none, basic, trusted_headers, keystone", pattern=r"[a-z_]+"),
        "How callers are known. none: everybody is admin, on loopback only. basic: user and password from a file. "
        "trusted_headers: an authenticating proxy in front says who it is. keystone: tokens, see [keystone_authtoken].",
    )
    file: Path | None = option(None, kinds.path("a file"), "Mode basic: lines of `user:bcrypt-hash:project:role,role`.")
    trusted_peers: tuple[str, ...] = option(
        (), kinds.words(), "Mode trusted_headers: addresses or networks of the proxies whose headers are believed."
    )


def _account(meaning: str, *, secret: bool = False) -> str | None:
    return option(None, kinds.optional_text("text"), meaning, secret=secret)


@dataclass(frozen=True)
class KeystoneGroup:
    """Mode keystone: where it is, and the account that may validate tokens (role service or admin). Names are keystonemiddleware's."""

    www_authenticate_uri: str | None = option(
        None,
        kinds.optional_text("an http or https URL", pattern=r"https?://[^\s\"]+"),
        "Keystone's public address, told to callers without a token. When it is not set: auth_url.",
    )
    auth_url: str | None = option(
        None,
        kinds.optional_text("an http or https URL", pattern=r"https?://[^\s\"]+"),
        "Keystone's address for this service, such as https://keystone.example/v3.",
    )
    auth_type: str = option(
        "password",
        kinds.text("the name of a plug-in of keystoneauth", pattern=r"[a-z0-9_]+"),
        "How the account logs in: password, or v3applicationcredential.",
    )
    username: str | None = _account("The account's user.")
    password: str | None = _account("The account's password.", secret=True)
    user_domain_name: str | None = _account("Domain of the user, by name.")
    user_domain_id: str | None = _account("Domain of the user, by id.")
    project_name: str | None = _account("Project of the account, usually service.")
    project_domain_name: str | None = _account("Domain of that project, by name.")
    project_domain_id: str | None = _account("Domain of that project, by id.")
    application_credential_id: str | None = _account("For v3applicationcredential: its id.")
    application_credential_secret: str | None = _account("For v3applicationcredential: its secret.", secret=True)
    interface: str = option(
        "internal",
        kinds.choice("internal", "public", "admin"),
        "Which of Keystone's addresses in the catalogue is used.",
    )
    region_name: str | None = _account("Region in the catalogue.")
    cafile: Path | None = option(
        None, kinds.path("a file"), "PEM file of the CAs that Keystone's certificate is checked by."
    )
    certfile: Path | None = option(None, kinds.path("a file"), "Client certificate, if Keystone wants one.")
    keyfile: Path | None = option(None, kinds.path("a file"), "The client certificate's key.")
    insecure: bool = option(False, kinds.flag(), "Do not check Keystone's certificate. For tests only.")
    http_connect_timeout: int = option(
        5, kinds.whole(1, 60), "Seconds that one answer of Keystone may take; a caller waits twice as long at most."
    )
    token_cache_time: int = option(
        300,
        kinds.whole(1, 3600),
        "Seconds for which a validated token is believed, and a revoked one may still work; never beyond its own end.",
    )


@dataclass(frozen=True)
class ProviderGroup:
    """Where machines come from."""

    default: str = option(
        "docker",
        kinds.text("the name of an installed provider", pattern=r"[A-Za-z0-9_-]+"),
        "The provider that makes machines and networks: docker, fake (keeps books, makes nothing), or one that is installed "
        "besides. Its own settings stand in the group of its name.",
    )
    calls_at_once: int = option(
        200,
        kinds.whole(1, 100_000),
        "Calls of one conductor at once that make or delete something at the provider. Projects take turns where they queue.",
    )


@dataclass(frozen=True)
class DriversGroup:
    """The container tools on offer."""

    default_driver: str | None = option(
        None,
        kinds.optional_text("the name of a loaded driver", pattern=r"[A-Za-z0-9_-]+"),
        "Driver of clusters whose template and image name none. When it is not set: what the fake catalogue marks as default, "
        "else the first by alphabet that fits.",
    )
    enabled_drivers: tuple[str, ...] = option(
        (),
        kinds.words(),
        "Drivers to load. When it is not set: with provider fake the driver fake alone, else all installed ones but fake.",
    )
    disabled_drivers: tuple[str, ...] = option((), kinds.words(), "Drivers not to load, though they are installed.")
    enabled_beta_drivers: tuple[str, ...] = option(
        (), kinds.words(), "Drivers marked as beta that tenants may use nevertheless."
    )


@dataclass(frozen=True)
class ClusterTemplateGroup:
    """What templates may say of networks."""

    kubernetes_allowed_network_drivers: tuple[str, ...] = option(
        ("flannel", "calico"),
        kinds.words(),
        "Network drivers that Kubernetes templates may name; all: whatever there is.",
    )
    kubernetes_default_network_driver: str = option(
        "flannel", kinds.text("the name of a network driver"), "Network driver of Kubernetes templates that name none."
    )
    swarm_allowed_network_drivers: tuple[str, ...] = option(
        ("all",), kinds.words(), "Network drivers that Docker Swarm templates may name; all: whatever there is."
    )
    swarm_default_network_driver: str = option(
        "docker", kinds.text("the name of a network driver"), "Network driver of Docker Swarm templates that name none."
    )


@dataclass(frozen=True)
class ClusterGroup:
    """Limits of a cluster."""

    max_nodes_per_cluster: int = option(
        5000, kinds.whole(1, 100_000), "Nodes of one cluster, all of its groups together."
    )


@dataclass(frozen=True)
class CinderGroup:
    """Volumes that machines boot from."""

    default_boot_volume_size: int = option(
        0,
        kinds.whole(0, 1_000_000),
        "GiB of the volume that machines boot from when the label boot_volume_size says nothing. 0: none; then each flavor "
        "must have a disk.",
    )


@dataclass(frozen=True)
class QuotasGroup:
    """Limits of a project."""

    max_clusters_per_project: int = option(
        20, kinds.whole(0, 1_000_000), "Clusters of a project for which no quota of its own was set."
    )


@dataclass(frozen=True)
class ConductorGroup:
    """The process that does the work."""

    workers: int = option(64, kinds.whole(1, 10_000), "Operations that run at once in this process.")
    tenant_workers: int = option(
        16, kinds.whole(1, 10_000), "Operations of one project that run at once, so that no tenant holds up the others."
    )
    poll_s: float = option(0.2, kinds.seconds(0.01, 60), "Shortest pause between two looks at the queue of operations.")
    lease_s: float = option(
        5.0,
        kinds.seconds(0.5, 600),
        "Seconds without a sign of life after which the other conductors of the same database take over this one's work.",
    )
    heartbeat_s: float = option(10.0, kinds.seconds(0.1, 600), "Pause between two signs of life in `coe service list`.")
    health_s: float = option(
        60.0, kinds.seconds(0.1, _DAY_S), "Age at which the health of a cluster is looked at again."
    )
    metrics_host: str = option(
        "127.0.0.1",
        kinds.text("an address or host name", pattern=r"[0-9A-Za-z:.%_-]+"),
        "Address on which this conductor serves /metrics, /healthz and /readyz of its own, to anybody who reaches it.",
    )
    metrics_port: int = option(
        0,
        kinds.whole(0, 65535),
        "TCP port for them; 0: none. Without it nobody sees the steps and provider calls of a conductor that runs apart from the API.",
    )


@dataclass(frozen=True)
class DeadlinesGroup:
    """How long what waits may wait; what shows no progress is told of before."""

    boot_s: float = option(900.0, kinds.seconds(1, _DAY_S), "Seconds that the first boot of a node may take.")
    ready_s: float = option(
        600.0, kinds.seconds(1, _DAY_S), "Seconds until a cluster whose nodes have booted says that it is ready."
    )
    delete_s: float = option(
        3600.0,
        kinds.seconds(1, _DAY_S),
        "Seconds that a deletion may take; then it ends as failed and names what is left.",
    )
    force_s: float = option(
        300.0,
        kinds.seconds(1, _DAY_S),
        "Seconds after which a forced deletion leaves behind what the provider does not let go of.",
    )
    call_s: float = option(
        600.0,
        kinds.seconds(1, _DAY_S),
        "Seconds that one call of the provider, or of a live cluster, may take; then it is cut and tried again.",
    )
    silence_s: float = option(
        180.0,
        kinds.seconds(1, _DAY_S),
        "Seconds without progress (of a call, a node's console, what a cluster says) after which status_reason and timeline tell it.",
    )


@dataclass(frozen=True)
class HealingGroup:
    """When and how nodes are healed by themselves, in clusters whose label auto_healing_enabled says so."""

    enabled: bool = option(
        True, kinds.flag(), "Whether this happens at all. Who asks for it by hand is served in any case."
    )
    grace_s: int = option(
        300,
        kinds.whole(0, _DAY_S),
        "Seconds for which a node is lost, stopped or not ready before it is healed. A cluster's label auto_healing_grace "
        "says otherwise.",
    )
    share_percent: int = option(
        34,
        kinds.whole(1, 100),
        "Percent of a group of workers, one at the least, whose machines are taken away at once. The control plane: one at a "
        "time, and only while most of it is well.",
    )
    attempts: int = option(
        3, kinds.whole(1, 1000), "How often a node is healed within `window_s`; then it is left to somebody else."
    )
    backoff_s: int = option(
        600,
        kinds.whole(1, _DAY_S),
        "Seconds of pause in a cluster where healing failed, doubled with each failure in a row.",
    )
    window_s: int = option(_DAY_S, kinds.whole(1, 30 * _DAY_S), "Seconds after which an attempt is forgotten.")


@dataclass(frozen=True)
class NotificationsGroup:
    """Who is told what happens to clusters."""

    driver: str = option(
        "none",
        kinds.choice("none", "log", "webhook", "messaging"),
        "none: nobody. log: this service's log. webhook: POST of JSON to `url`. messaging: the message bus at `url`, by oslo.messaging.",
    )
    url: str | None = option(
        None,
        kinds.optional_text("a URL", pattern=r"[a-z+]+:/\S*"),
        "webhook: an http or https URL. messaging: a transport URL such as rabbit://USER:PASSWORD@HOST:5672/.",
        secret=True,
    )
    topics: tuple[str, ...] = option(("notifications",), kinds.words(), "messaging: the topics that are written to.")
    secret_file: Path | None = option(
        None,
        kinds.path("a file"),
        "webhook: the key of the signature in X-Jeroboam-Signature. When it is not set: unsigned.",
    )
    timeout_s: float = option(10.0, kinds.seconds(0.1, 300), "Seconds for one attempt.")
    max_age_s: int = option(
        _DAY_S, kinds.whole(1, 30 * _DAY_S), "Seconds after which an event that nobody takes is given up."
    )
    max_events: int = option(
        100_000, kinds.whole(1, 10_000_000), "Most events that wait; the oldest beyond are given up."
    )


@dataclass(frozen=True)
class SecretsGroup:
    """How keys of clusters are kept."""

    store: str = option(
        "table",
        kinds.choice("table", "barbican"),
        "table: in the database, sealed under the key file. barbican: there as well, and under a key of each cluster that lies in "
        "Barbican, reached with the account of [keystone_authtoken]. What was kept before stays as it is.",
    )
    key_file: Path | None = option(
        None,
        kinds.path("a file that only its owner can read"),
        "The key-encryption key (32 bytes) that seals what is secret in the database. It is made, mode 0600, when it is "
        "absent. Keep a copy apart from the database's. When it is not set: `key` in the data folder.",
    )


@dataclass(frozen=True)
class PolicyGroup:
    """What callers may do."""

    policy_file: Path | None = option(
        None, kinds.path("a file"), "policy.yaml with rules that replace the defaults, with Magnum's rule names."
    )


@dataclass(frozen=True)
class LogGroup:
    """What the service tells, on standard error."""

    level: str = option("info", kinds.choice("debug", "info", "warning", "error"), "The least important lines shown.")
    format: str = option(
        "auto",
        kinds.choice("auto", "text", "json"),
        "text: for people. json: one object a line. auto: text on a terminal, else json; `jeroboam serve`: always json.",
    )


@dataclass(frozen=True)
class Config:
    """The whole configuration. `plugins` holds the groups that providers and drivers read themselves, as text."""

    default: DefaultGroup = field(default_factory=DefaultGroup)
    api: ApiGroup = field(default_factory=ApiGroup)
    database: DatabaseGroup = field(default_factory=DatabaseGroup)
    identity: IdentityGroup = field(default_factory=IdentityGroup)
    keystone_authtoken: KeystoneGroup = field(default_factory=KeystoneGroup)
    provider: ProviderGroup = field(default_factory=ProviderGroup)
    drivers: DriversGroup = field(default_factory=DriversGroup)
    cluster_template: ClusterTemplateGroup = field(default_factory=ClusterTemplateGroup)
    cluster: ClusterGroup = field(default_factory=ClusterGroup)
    cinder: CinderGroup = field(default_factory=CinderGroup)
    quotas: QuotasGroup = field(default_factory=QuotasGroup)
    conductor: ConductorGroup = field(default_factory=ConductorGroup)
    deadlines: DeadlinesGroup = field(default_factory=DeadlinesGroup)
    healing: HealingGroup = field(default_factory=HealingGroup)
    notifications: NotificationsGroup = field(default_factory=NotificationsGroup)
    secrets: SecretsGroup = field(default_factory=SecretsGroup)
    oslo_policy: PolicyGroup = field(default_factory=PolicyGroup)
    log: LogGroup = field(default_factory=LogGroup)
    plugins: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)


GROUPS: Mapping[str, type] = {
    "DEFAULT": DefaultGroup,
    "api": ApiGroup,
    "database": DatabaseGroup,
    "identity": IdentityGroup,
    "keystone_authtoken": KeystoneGroup,
    "provider": ProviderGroup,
    "drivers": DriversGroup,
    "cluster_template": ClusterTemplateGroup,
    "cluster": ClusterGroup,
    "cinder": CinderGroup,
    "quotas": QuotasGroup,
    "conductor": ConductorGroup,
    "deadlines": DeadlinesGroup,
    "healing": HealingGroup,
    "notifications": NotificationsGroup,
    "secrets": SecretsGroup,
    "oslo_policy": PolicyGroup,
    "log": LogGroup,
}
