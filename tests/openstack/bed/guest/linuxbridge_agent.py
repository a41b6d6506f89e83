"""neutron-linuxbridge-agent, with one change.

ebtables 1.8.9 on nf_tables cannot delete a rule with --among-src ("RULE_DELETE failed (Invalid argument)"), and the agent
tries for ever: no change of a plugged port (allowed address pairs, port security) was carried out. The chain is emptied instead.
"""

import sys

from neutron.cmd.eventlet.plugins.linuxbridge_neutron_agent import main
from neutron.plugins.ml2.drivers.linuxbridge.agent import arp_protect


def empty_mac_chain(vif: str, current_rules: object) -> None:
    chain = arp_protect._mac_chain_name(vif)
    arp_protect.ebtables(["-F", chain])
    arp_protect.ebtables(["-A", chain, "-j", "DROP"])


arp_protect._delete_vif_mac_rules = empty_mac_chain

if __name__ == "__main__":
    sys.argv[0] = "neutron-linuxbridge-agent"
    sys.exit(main())
