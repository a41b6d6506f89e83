"""The field's words as values: clusters, node groups, machines, operations, statuses, errors. Standard library only, no I/O."""

from .errors import ErrorClass
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
    begin,
    end,
)

__all__ = [
    "FAILED",
    "IN_PROGRESS",
    "OPERATION_FINAL",
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
    "Verb",
    "begin",
    "cluster_slug",
    "end",
    "machine_name",
    "slug",
]
