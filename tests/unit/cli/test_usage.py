"""The first line of a command's help names what is to be typed."""

from collections.abc import Iterator

import pytest
from cyclopts import App

from jeroboam.cli import build_app


def commands(app: App, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in app:
        if not name.startswith("-"):
            below = list(commands(app[name], (*words, name)))
            yield from below or [(*words, name)]


ALL = sorted(commands(build_app()))


def usage(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        build_app()([*command, "--help"])
    return capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_every_usage_line_is_of_its_command_and_names_its_arguments(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    line = usage(command, capsys)
    assert line.startswith(f"Usage: jeroboam {' '.join(command)} ")
    assert "ARGS" not in line


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ("cluster delete", "[OPTIONS] CLUSTER..."),
        ("template delete", "[OPTIONS] TEMPLATE..."),
        ("template labels", "[OPTIONS] [DRIVER]"),
        ("ps", "[OPTIONS] CLUSTER [NAME]"),
        ("orphans", "[OPTIONS] [CLUSTER...]"),
        ("run", "--image STR [OPTIONS] CLUSTER [-- COMMAND...]"),
        ("exec", "[OPTIONS] CLUSTER NAME -- COMMAND..."),
    ],
)
def test_words_that_may_be_left_out_or_repeated(command: str, end: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert usage(tuple(command.split()), capsys) == f"Usage: jeroboam {command} {end}"


@pytest.mark.parametrize("group", ["cluster", "template", "nodegroup", "flavor", "operation"])
def test_a_group_names_all_its_commands(group: str) -> None:
    app = build_app()[group]
    told = app.help.partition(": ")[2].rstrip(".").split(", ")
    assert sorted(told) == sorted(name for name in app if not name.startswith("-"))


@pytest.mark.parametrize("group", ["cluster", "template"])
def test_options_that_a_provider_takes_without_effect_say_so(group: str) -> None:
    options = build_app()[group]["create"].assemble_argument_collection(parse_docstring=True)
    told = {
        one.name
        for one in options
        if (one.parameter.help or "").endswith("The provider docker has none: no effect there.")
    }
    assert told == {"--docker-volume-size", "--floating-ip"}
