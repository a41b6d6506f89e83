"""A Keystone v3 stand-in for tests: a real HTTP server on loopback that keeps domains, people and tokens in memory.

It knows what clients of the Identity API v3 ask for on the way to a container service: tokens (password, token, application
credential; scopes project, domain, system), their validation and revocation, and the objects behind them. It can be told to be away.

    with Keystone({"container-infra": "http://127.0.0.1:9511/v1"}) as keystone:
        keystone.realm.add_user("ada", "secret", "blue", "member")
        ... keystone.url ...

From a shell: `python -m tests.keystone --port 5000 --service http://127.0.0.1:9511/v1`.
"""

from .realm import Realm
from .server import Keystone

__all__ = ["Keystone", "Realm"]
