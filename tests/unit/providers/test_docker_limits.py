"""Kernel limits are raised, never lowered, and a host that does not allow it is no error."""

from pathlib import Path

import pytest

from jeroboam.domain.errors import ConfigError
from jeroboam.providers.docker import read_settings
from jeroboam.providers.docker.limits import limit, raise_limits


def test_low_limits_are_raised_and_high_ones_left_alone(tmp_path: Path) -> None:
    (tmp_path / "max_user_instances").write_text("128\n")
    (tmp_path / "max_user_watches").write_text("1048576\n")
    assert raise_limits(tmp_path) == {"max_user_instances": 128}
    assert limit("max_user_instances", tmp_path) == 4096
    assert limit("max_user_watches", tmp_path) == 1048576
    assert raise_limits(tmp_path) == {}


def test_a_host_that_has_or_allows_none_is_left_as_it_is(tmp_path: Path) -> None:
    assert raise_limits(tmp_path / "absent") == {}
    (tmp_path / "max_user_instances").mkdir()
    assert raise_limits(tmp_path) == {}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("No", False), ("0", False)])
def test_the_operator_may_forbid_it(text: str, value: bool) -> None:
    assert read_settings({"raise_limits": text}).raise_limits is value


def test_another_word_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigError, match="raise_limits = maybe is neither true nor false"):
        read_settings({"raise_limits": "maybe"})
