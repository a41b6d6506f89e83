"""From text to Config: the file, then environment variables, then the command line; each later one wins.

Every error names where the value came from, group, option and value, and what would be right.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..domain.errors import ConfigError
from .groups import GROUPS, Config
from .option import Option, options
from .passed import PASSED

_VARIABLE = re.compile(r"JEROBOAM_([A-Z0-9_]+?)__([A-Z0-9_]+)")


@dataclass(frozen=True)
class Override:
    """A value from outside the file. `source` is what errors call it: `--port`, a variable's name."""

    group: str
    option: str
    text: str
    source: str


def read(
    file: Path | None,
    environ: Mapping[str, str],
    *,
    plugin_groups: Collection[str] = (),
    overrides: Collection[Override] = (),
) -> Config:
    """The configuration. `plugin_groups` are passed on unread. Raises ConfigError."""
    known = {*GROUPS, *PASSED, *plugin_groups}
    given = [*(_file(file, known) if file else ()), *_environment(environ, known), *overrides]
    values: dict[str, dict[str, Any]] = {}
    for one in given:
        if one.group not in known:
            raise _unknown_group(one.source, one.group, known)
        declared = GROUPS.get(one.group)
        value = _value(one, options(declared)) if declared else one.text
        values.setdefault(one.group, {})[one.option] = value
    groups = {name.lower(): made(**values.get(name, {})) for name, made in GROUPS.items()}
    plugins = {name: found for name, found in values.items() if name not in GROUPS}
    return Config(**groups, plugins=plugins)


def _file(path: Path, known: Collection[str]) -> Iterator[Override]:
    parser = configparser.ConfigParser(interpolation=None, default_section="\0", empty_lines_in_values=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names are case-sensitive, as in oslo.config
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration {path} cannot be read: {_reason(error)}.") from error
    except configparser.Error as error:
        raise ConfigError(_parse_message(path, error), hint="Lines are `[group]` or `option = value`.") from error
    for group in parser.sections():
        if group not in known:  # told even when it is empty
            raise _unknown_group(str(path), group, known)
        for name, value in parser.items(group):
            yield Override(group, name, value, str(path))


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else f"it is not UTF-8 ({error.reason})"


def _parse_message(path: Path, error: configparser.Error) -> str:
    if isinstance(error, configparser.DuplicateOptionError):
        return f"{path}, line {error.lineno}: [{error.section}] {error.option} is set twice."
    if isinstance(error, configparser.DuplicateSectionError):
        return f"{path}, line {error.lineno}: the group [{error.section}] begins twice."
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"{path}, line {error.lineno}: {error.line.strip()!r} stands before the first [group]."
    if isinstance(error, configparser.ParsingError) and error.errors:
        line, what = error.errors[0]
        what = what.replace("\\n", "")
        return f"{path}, line {line}: {what} is neither a group nor an option."
    return f"{path}: {error.message}"


def _environment(environ: Mapping[str, str], known: Collection[str]) -> Iterator[Override]:
    spelled = {name.upper().replace("-", "_"): name for name in known}
    for name, text in sorted(environ.items()):
        found = _VARIABLE.fullmatch(name)
        if found:
            group = spelled.get(found[1], found[1].lower())
            yield Override(group, found[2].lower(), text, f"the variable {name}")


def _value(given: Override, declared: Mapping[str, Option]) -> Any:
    found = declared.get(given.option)
    if found is None:
        raise _unknown_option(given, declared)
    text = given.text.strip()
    if not text and found.default in (None, ()):
        return found.default
    try:
        return found.kind.parse(text)
    except ValueError as error:
        shown = "***" if found.secret else text[:200]
        raise ConfigError(
            f"{given.source}: [{given.group}] {given.option} = {shown} is not {found.kind.right}.",
            hint=f"Its meaning: {found.meaning}",
        ) from error


def _unknown_option(given: Override, declared: Mapping[str, Option]) -> ConfigError:
    elsewhere = [group for group, made in GROUPS.items() if given.option in options(made)]
    near = get_close_matches(given.option, declared, n=1, cutoff=0.0)
    nearest = f"The nearest is `{near[0]}`; `jeroboam config sample` prints all."
    hint = f"It is an option of [{elsewhere[0]}]." if elsewhere else nearest
    return ConfigError(f"{given.source}: [{given.group}] {given.option} is not an option.", hint=hint)


def _unknown_group(source: str, group: str, known: Collection[str]) -> ConfigError:
    lowered = {name.lower(): name for name in known}
    near = get_close_matches(group.lower(), sorted(lowered), n=1, cutoff=0.0)
    return ConfigError(
        f"{source}: [{group}] is not a group of options.",
        hint=f"The nearest is [{lowered[near[0]]}]; `jeroboam config sample` prints all.",
    )
