"""A program inside a task on any node of a swarm.

Only managers serve the Docker API, and `docker exec` reaches the containers of its own engine only. So a job is placed on the task's node:
a container of the task's own image, which is there for sure, with the node's docker client and engine socket bound in; its command is
`docker exec`. Whoever may ask a manager for services may do that, so nothing is gained by it. The job is removed in the end.
Source: Docker Engine API v1.41 (ReplicatedJob).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from ..errors import CliError, WaitTimeout
from ..wire import Json
from . import missing
from .docker_streams import STDERR, STDOUT, demultiplexed
from .patience import Patience
from .session import Session
from .swarm_job import job
from .workload import Outcome

_API = "/v1.41"
_BY = "jeroboam-exec"  # not what workloads bear: `ps` shows no jobs of ours
_NOT_BEGUN = (126, 127)  # of the docker client, when the runtime could not begin
_RUNTIME = ("OCI runtime exec failed", "Error response from daemon: OCI runtime exec failed")
_ENDED = ("complete", "failed")
_NEVER = ("rejected", "orphaned", "remove", "shutdown")


def execute(session: Session, task: Json, argv: Sequence[str], timeout_s: float) -> Outcome:
    """Run it to its end. Raises NoProgram, WaitTimeout; the program goes on then, since a `docker exec` that ends does not end it."""
    name = f"jeroboam-exec-{secrets.token_hex(6)}"
    container = str((task["Status"].get("ContainerStatus") or {}).get("ContainerID") or "")
    command = ("/usr/bin/docker", "exec", container, *argv)
    image = task["Spec"]["ContainerSpec"]["Image"]
    session.post(f"{_API}/services/create", job(name, str(task["NodeID"]), image, command, by=_BY))
    try:
        ended = _end(session, name, argv[0], timeout_s)
        answer = session.send("GET", f"{_API}/services/{name}/logs", params={"stdout": "1", "stderr": "1"})
    finally:
        session.delete(f"{_API}/services/{name}")
    said = {STDOUT: b"", STDERR: b""}
    for stream, part in demultiplexed(answer.content):
        said[stream] += part
    code = int(ended["ContainerStatus"].get("ExitCode") or 0)
    if code in _NOT_BEGUN and (error := missing.of(_runtime_words(said), argv[0])):
        raise error
    return Outcome(code, said[STDOUT], said[STDERR])


def _runtime_words(said: dict[int, bytes]) -> str:
    """What the docker client tells when nothing was begun; a program's own output does not begin so."""
    text = (said[STDERR] + said[STDOUT]).decode(errors="replace").strip()
    return text if text.startswith(_RUNTIME) else ""


def _end(session: Session, name: str, program: str, timeout_s: float) -> Json:
    """The status of the job's task when it is over."""
    patience = Patience(timeout_s)
    while True:
        for task in session.listed(f"{_API}/tasks", filters=json.dumps({"service": [name]})):
            status: Json = task["Status"]
            if status["State"] in _NEVER or (status["State"] == "failed" and not _ran(status)):
                raise CliError(f"The program could not be run: {' '.join(str(status.get('Err')).split())}")
            if status["State"] in _ENDED:
                return status
        try:
            patience.pause(f"{program} does not end")
        except WaitTimeout as error:
            error.message = f"{error.message.removesuffix('.')}; it goes on."
            raise


def _ran(status: Json) -> bool:
    """A container that was started has a process; one that could not be has an error and no process."""
    return bool((status.get("ContainerStatus") or {}).get("ExitCode"))
