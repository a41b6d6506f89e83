"""A program that an image does not have: told in one sentence, whatever the container runtime makes of it."""

from __future__ import annotations

from ..errors import CliError

_WORDS = (
    'exec: "{0}": executable file not found',  # runc
    'exec: "{0}": stat {0}: no such file or directory',
    "executable file `{0}` not found",  # crun
    'error finding executable "{0}"',  # runsc
    "Command not found",  # LXD
)


class NoProgram(CliError):
    """The program is not in the image; the exit code is what a shell gives then."""

    exit_code = 127


def of(said: str, program: str) -> NoProgram | None:
    """The error, when this is what `said` tells. What a runtime misses for itself is another matter."""
    plain = said.replace('\\"', '"')
    if not any(words.format(program) in plain for words in _WORDS):
        return None
    return NoProgram(f"There is no `{program}` in this image.")
