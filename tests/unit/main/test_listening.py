"""An address that is refused is told with the option that names it."""

import socket
from collections.abc import Iterator

import pytest

from jeroboam.domain.errors import ConfigError
from jeroboam.main.listening import bind, metrics_place

pytestmark = pytest.mark.sockets


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_of_metrics_names_its_own_option(taken: int) -> None:
    with pytest.raises(ConfigError) as caught:
        bind(metrics_place("127.0.0.1", taken))
    assert caught.value.message.startswith(f"Port {taken} of 127.0.0.1 is in use by pid ")
    assert caught.value.hint == "Stop that program, or choose another [conductor] metrics_port."


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("no.such.host.invalid", "[conductor] metrics_host = no.such.host.invalid is no address of this machine: "),
        ("192.0.2.1", "The service cannot listen on 192.0.2.1, port 1234: "),
    ],
)
def test_an_address_that_is_not_this_machines_names_its_own_option(host: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bind(metrics_place(host, 1234))
    assert caught.value.message.startswith(told)
