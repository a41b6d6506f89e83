"""Runs on a node, alone: tells Heat what the first boot says on its console. Needs Python's standard library only.

Who may read stacks can signal, too: reports bear a tag that only this node and the service can make.

One signal bears the server's id, so a later one takes the place of the one before: the last word counts, and a lost one is made good
by the next. Source: Heat, OS::Heat::WaitConditionHandle (HEAT_SIGNAL); Keystone API v3, POST /v3/auth/tokens.
"""

import hmac
import json
import re
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from email.message import Message

FOLDER = "/etc/jeroboam/node/"
MARK = "JEROBOAM/1"
TAG = f"{MARK} tag"
_LINE = re.compile(rf"{MARK} (begin|step|failed|done)\b")
LINES = 60  # of the console, sent when the boot failed
BYTES = 8_000
CALL_S = 20
TRIES = 8


def main() -> int:
    """Follow the first boot until it ends well or badly. 1 when its end could not be told."""
    way, server = who()
    follow = ("journalctl", "-q", "-b", "-f", "-n", "all", "-o", "cat", "-u", "jeroboam-bootstrap.service")
    with subprocess.Popen(follow, stdout=subprocess.PIPE, text=True, errors="replace") as journal:
        told, key = True, own_key()
        for text, last in reports(journal.stdout or ()):
            told = tell(way, server, tagged(text, server, *key), TRIES if last else 1)
            if last:
                journal.terminate()
                break
    return 0 if told else 1


def who() -> tuple[dict[str, str], str]:
    """How this node may signal, and its server's id."""
    with open(FOLDER + "signal.json", encoding="utf-8") as file:
        way: dict[str, str] = json.load(file)
    with open(FOLDER + "instance", encoding="utf-8") as file:
        return way, file.read().strip()


def own_key() -> tuple[str, bytes]:
    """By which word the service finds the key of this node's reports, and the key."""
    with open(FOLDER + "report.key", encoding="ascii") as file:
        word, key = file.read().split()
    return word, bytes.fromhex(key)


def tagged(text: str, server: str, word: str, key: bytes) -> str:
    """The report of this server, with its tag as the last line."""
    return f"{text}\n{TAG} {word} {hmac.digest(key, encoded(f'{server} {text}'), 'sha256').hex()}"


def encoded(text: str) -> bytes:
    """Whatever somebody else may have put in."""
    return text.encode(errors="surrogatepass")


def reports(lines: Iterable[str]) -> Iterable[tuple[str, bool]]:
    """What to tell, one after the other, and whether it is the last: each marker alone, a failure with the lines before it."""
    seen: list[str] = []
    for line in lines:
        seen = [*seen, line.rstrip("\n")][-LINES:]
        found = _LINE.search(line)
        if found is None:
            continue
        text = "\n".join(seen) if found[1] == "failed" else seen[-1]
        yield text[-BYTES:], found[1] in ("failed", "done")


def tell(way: dict[str, str], server: str, text: str, tries: int) -> bool:
    """Signal; again after a while when Keystone or Heat do not answer. Whether it was heard."""
    signal = {"id": server, "status": "SUCCESS", "reason": "report", "data": text}
    for attempt in range(tries):
        try:
            post(way["alarm_url"], signal, {"X-Auth-Token": token(way)})
            return True
        except (OSError, ValueError) as error:
            print(f"not told: {error}", file=sys.stderr)  # noqa: T201
            time.sleep(min(2**attempt, 30) if attempt + 1 < tries else 0)
    return False


def token(way: dict[str, str]) -> str:
    """A token of the one user that may signal here and do nothing else."""
    user = {"id": way["user_id"], "password": way["password"]}
    wish = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": way["project_id"]}},
        }
    }
    root = re.sub(r"/v[0-9.]+/?$", "", way["auth_url"].rstrip("/"))
    return post(root + "/v3/auth/tokens", wish, {}).get("X-Subject-Token", "")


def post(url: str, body: object, headers: dict[str, str]) -> Message:
    """The headers of the answer. Raises OSError when there is none, or a refusal."""
    request = urllib.request.Request(  # noqa: S310 - the address is Heat's word
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=CALL_S, context=trust()) as answer:  # noqa: S310
        headers_back: Message = answer.headers
        return headers_back


def trust() -> ssl.SSLContext:
    """The certificates of the system, and of the cloud's own CA where the service put it."""
    context = ssl.create_default_context()
    with suppress(FileNotFoundError):
        context.load_verify_locations(FOLDER + "cloud-ca.pem")
    return context


if __name__ == "__main__":
    sys.exit(main())
