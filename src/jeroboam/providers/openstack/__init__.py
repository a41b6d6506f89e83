"""Provider "openstack": machines are Nova's servers, in stacks of Heat. So far only what it gives to Heat; it cannot be chosen yet."""
