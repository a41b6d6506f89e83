"""What a node of a cloud would make of its user data: its way to report, and how its first boot would end. Runs nothing of it."""

import gzip
import json
import re
from email import message_from_string

import yaml

from jeroboam import bootstrap


def boot(user_data: str) -> tuple[dict[str, str], str]:
    """The signal's credentials, and the last report: of the first command that is `false`, else that all is done."""
    parts = list(message_from_string(user_data).walk())[1:]
    hook = str(parts[0].get_payload())
    way: dict[str, str] = json.loads(hook.partition("<<'JEROBOAM'\n")[2].partition("\nJEROBOAM")[0])
    packed = parts[1].get_payload(decode=True)
    assert isinstance(packed, bytes)
    document = yaml.safe_load(gzip.decompress(packed))
    [run] = [file["content"] for file in document["write_files"] if file["path"] == "/etc/jeroboam/node/run"]
    broken = re.search(r"^run (\S+) \d+ false$", _text(run), re.MULTILINE)
    if broken:
        return way, bootstrap.marker("failed", broken[1], "exit code 1: ")
    return way, bootstrap.marker("done", "all")


def _text(content: str) -> str:
    import base64

    return base64.b64decode(content).decode()
