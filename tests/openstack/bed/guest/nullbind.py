"""ML2 mechanism driver that binds every port to the first segment, without an agent.

For the profile heat-fake: Nova's fake driver never plugs anything, but a port must still bind for Nova to go on.
"""

from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class NullBindMechanismDriver(api.MechanismDriver):  # type: ignore[misc]
    def initialize(self) -> None:
        """Nothing to make ready."""

    @property
    def connectivity(self) -> Any:
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context: Any) -> None:
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_OTHER,
                {portbindings.CAP_PORT_FILTER: False},
                status=constants.PORT_STATUS_ACTIVE,
            )
