"""Units that a node starts now and at every later boot. Pure."""

from __future__ import annotations

# `systemctl enable` reloads the manager, and asks the distribution's own program about each unit that has an init script beside it: seconds
# on a busy machine, for a link that can be made.
_SCRIPT = """\
for unit; do
  ln -sfn "$(systemctl show --property=FragmentPath --value "$unit")" "/etc/systemd/system/multi-user.target.wants/$unit.service" || exit
done
exec systemctl start "$@"
"""


def enable_now(*units: str) -> tuple[str, ...]:
    """The command for services, named without `.service`, that are wanted by multi-user.target. Repeatable."""
    return ("bash", "-c", _SCRIPT, "enable", *units)
