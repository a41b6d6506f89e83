"""The field's words as values: clusters, node groups, machines, operations, statuses, errors. Standard library only, no I/O."""

from .ailing import Ailing, Ailment, remembered
from .coe import COES, SERVER_TYPES, canonical
from .errors import ErrorClass
from .label_words import NO, YES, says_yes
from .model import (
    Cluster,
    ClusterShape,
    ClusterTemplate,
    Labels,
    NodeGroup,
    Operation,
    Resource,
    Role,
    SignedCertificate,
    Step,
)
from .names import cluster_slug, machine_name, slug
from .secret import Secret
from .status import (
    FAILED,
    IN_PROGRESS,
    OPERATION_FINAL,
    Health,
    OperationKind,
    OperationState,
    Status,
    Verb,
    again,
    begin,
    end,
)
from .upgrade import Upgrade

__all__ = [
    "COES",
    "FAILED",
    "IN_PROGRESS",
    "NO",
    "OPERATION_FINAL",
    "SERVER_TYPES",
    "YES",
    "Ailing",
    "Ailment",
    "Cluster",
    "ClusterShape",
    "ClusterTemplate",
    "ErrorClass",
    "Health",
    "Labels",
    "NodeGroup",
    "Operation",
    "OperationKind",
    "OperationState",
    "Resource",
    "Role",
    "Secret",
    "SignedCertificate",
    "Status",
    "Step",
    "Upgrade",
    "Verb",
    "again",
    "begin",
    "canonical",
    "cluster_slug",
    "end",
    "machine_name",
    "remembered",
    "says_yes",
    "slug",
]
