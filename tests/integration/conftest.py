import os

import pytest
from tests.keystone import Keystone


@pytest.fixture
def administrator(keystone: Keystone, monkeypatch: pytest.MonkeyPatch) -> Keystone:
    """The Keystone stand-in, with its administrator logged in by OS_* and nothing else of this machine's clouds."""
    for name in [name for name in os.environ if name.startswith(("OS_", "JEROBOAM_"))]:
        monkeypatch.delenv(name)
    admin = {"AUTH_URL": keystone.url, "USERNAME": "admin", "PASSWORD": "secret", "PROJECT_NAME": "admin"}
    for name, value in {**admin, "USER_DOMAIN_ID": "default", "PROJECT_DOMAIN_ID": "default"}.items():
        monkeypatch.setenv(f"OS_{name}", value)
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/nonexistent")
    return keystone
