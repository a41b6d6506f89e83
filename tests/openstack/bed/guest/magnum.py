"""Magnum's account, its domain of trustees and its place in the catalogue. Safe to run again."""

from __future__ import annotations

from identity import Bed, connect, ensure

import bed_settings

if __name__ == "__main__":
    bed = Bed(connect())
    grant = bed.keystone.roles.grant
    grant(bed.role("admin"), user=bed.user("magnum"), project=bed.project("service"))
    domain = ensure(bed.keystone.domains, "magnum", lambda: bed.keystone.domains.create("magnum"))
    grant(bed.role("admin"), user=bed.user("magnum_domain_admin", domain), domain=domain)
    bed.service("magnum", "container-infra", f"http://{bed_settings.read()['API']}:9511/v1")
    print("magnum's identity ready")
