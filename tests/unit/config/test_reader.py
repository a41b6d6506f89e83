"""The configuration: what a file may say, what wins, and what each mistake is answered with."""

from pathlib import Path

import pytest

from jeroboam.config import Config, Override, read
from jeroboam.domain.errors import ConfigError

NO_VARIABLES: dict[str, str] = {}


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "jeroboam.conf"
    file.write_text(text, encoding="utf-8")
    return file


def message(file: Path | None, environ: dict[str, str] | None = None, *overrides: Override) -> str:
    with pytest.raises(ConfigError) as caught:
        read(file, environ or NO_VARIABLES, overrides=overrides)
    return f"{caught.value.message} | {caught.value.hint}"


def test_the_file_that_an_operator_begins_with(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
[api]
host = 127.0.0.1
port = 9611
[database]
connection = sqlite:////var/lib/jeroboam/store.sqlite
[identity]
mode = trusted_headers
trusted_peers = 10.0.0.1, 10.0.1.0/24
[provider]
default = fake
[quotas]
max_clusters_per_project = 3
[drivers]
default_driver = fake
""",
    )
    config = read(file, NO_VARIABLES)
    assert (config.api.host, config.api.port) == ("127.0.0.1", 9611)
    assert config.database.connection == "sqlite:////var/lib/jeroboam/store.sqlite"
    assert (config.identity.mode, config.identity.trusted_peers) == ("trusted_headers", ("10.0.0.1", "10.0.1.0/24"))
    assert config.provider.default == "fake"
    assert config.quotas.max_clusters_per_project == 3
    assert config.drivers.default_driver == "fake"


def test_without_a_file_the_defaults_hold() -> None:
    config = read(None, NO_VARIABLES)
    assert config == Config()
    assert (config.api.host, config.api.port, config.api.max_limit) == ("127.0.0.1", 9511, 1000)
    assert (config.identity.mode, config.provider.default) == ("none", "docker")
    assert (config.quotas.max_clusters_per_project, config.log.format) == (20, "auto")


def test_variables_win_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = written(tmp_path, "[api]\nhost = 127.0.0.1\nport = 1\nmax_limit = 10\n")
    environ = {"JEROBOAM_API__PORT": "2", "JEROBOAM_API__HOST": "::1", "JEROBOAM_URL": "http://elsewhere", "HOME": "/"}
    config = read(file, environ, overrides=[Override("api", "port", "3", "--port")])
    assert (config.api.max_limit, config.api.host, config.api.port) == (10, "::1", 3)


def test_a_variable_reaches_groups_with_other_spellings() -> None:
    environ = {
        "JEROBOAM_DEFAULT__STATE_PATH": "/srv/jeroboam",
        "JEROBOAM_OSLO_POLICY__POLICY_FILE": "/etc/policy.yaml",
        "JEROBOAM_FAKE_DRIVER__COE": "swarm",
    }
    config = read(None, environ, plugin_groups=["fake_driver"])
    assert config.default.state_path == Path("/srv/jeroboam")
    assert config.oslo_policy.policy_file == Path("/etc/policy.yaml")
    assert config.plugins == {"fake_driver": {"coe": "swarm"}}


def test_groups_of_plugins_are_passed_on_as_text(tmp_path: Path) -> None:
    file = written(tmp_path, "[docker]\nhost = unix:///x\nanything = 1 % 2\n[vendor]\nregion = north\n")
    config = read(file, NO_VARIABLES, plugin_groups=["vendor"])
    assert config.plugins == {
        "docker": {"host": "unix:///x", "anything": "1 % 2"},
        "vendor": {"region": "north"},
    }


def test_an_empty_value_is_as_good_as_none_where_there_is_no_default(tmp_path: Path) -> None:
    config = read(written(tmp_path, "[DEFAULT]\nstate_path =\n[drivers]\ndisabled_drivers =\n"), NO_VARIABLES)
    assert (config.default.state_path, config.drivers.disabled_drivers) == (None, ())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[api]\nport = 99999\n",
            "[api] port = 99999 is not a whole number from 1 to 65535. | Its meaning: TCP port to listen on.",
        ),
        (
            "[api]\nport =\n",
            "[api] port =  is not a whole number from 1 to 65535. | Its meaning: TCP port to listen on.",
        ),
        (
            "[api]\nprot = 1\n",
            "[api] prot is not an option. | The nearest is `port`; `jeroboam config sample` prints all.",
        ),
        ("[quotas]\nport = 1\n", "[quotas] port is not an option. | It is an option of [api]."),
        (
            "[databse]\n",
            "[databse] is not a group of options. | The nearest is [database]; `jeroboam config sample` prints all.",
        ),
        (
            "[default]\nhost = x\n",
            "[default] is not a group of options. | The nearest is [DEFAULT]; `jeroboam config sample` prints all.",
        ),
        (
            "[secrets]\nkey_file = ~nobody-by-this-name/key\n",
            "[secrets] key_file = ~nobody-by-this-name/key is not the absolute path of a file that only its owner can read. | "
            "Its meaning: The key-encryption key (32 bytes) that seals what is secret in the database. It is made, mode 0600, "
            "when it is absent. Keep a copy apart from the database's. When it is not set: `key` in the data folder.",
        ),
        (
            "[log]\nlevel = loud\n",
            "[log] level = loud is not one of debug, info, warning, error. | Its meaning: The least important lines shown.",
        ),
    ],
)
def test_a_wrong_value_or_name_is_told_with_the_cure(tmp_path: Path, text: str, says: str) -> None:
    file = written(tmp_path, text)
    assert message(file) == f"{file}: {says}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 1\n", ", line 1: 'port = 1' stands before the first [group]."),
        ("[api]\nport 1\n", ", line 2: 'port 1' is neither a group nor an option."),
        ("[api]\nport = 1\nport = 2\n", ", line 3: [api] port is set twice."),
        ("[api]\n[log]\n[api]\n", ", line 3: the group [api] begins twice."),
    ],
)
def test_text_that_is_no_ini_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    file = written(tmp_path, text)
    assert message(file) == f"{file}{says} | Lines are `[group]` or `option = value`."


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert message(absent) == f"The configuration {absent} cannot be read: No such file or directory. | "
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"[api]\nhost = \xff\xfe\n")
    assert message(garbage) == f"The configuration {garbage} cannot be read: it is not UTF-8 (invalid start byte). | "


def test_mistakes_outside_the_file_name_their_place() -> None:
    assert message(None, {"JEROBOAM_API__PORT": "x"}).startswith(
        "the variable JEROBOAM_API__PORT: [api] port = x is not a whole number from 1 to 65535."
    )
    assert message(None, {"JEROBOAM_APPI__PORT": "1"}).startswith(
        "the variable JEROBOAM_APPI__PORT: [appi] is not a group"
    )
    assert message(None, None, Override("api", "host", "a b", "--host")).startswith(
        "--host: [api] host = a b is not an address or host name."
    )


def test_the_password_of_the_database_is_never_shown(tmp_path: Path) -> None:
    bad = written(tmp_path, "[database]\nconnection = mysql://root:hunter2@db/x\n")
    assert "hunter2" not in message(bad)
    assert "[database] connection = *** is not an SQLAlchemy URL" in message(bad)
    good = written(tmp_path, "[database]\nconnection = postgresql://root:hunter2@db/x\n")
    assert "hunter2" not in repr(read(good, NO_VARIABLES))
