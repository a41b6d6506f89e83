"""Uploading an image: once, whole, and what was begun goes away again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jeroboam.admin.openstack.glance import Found
from jeroboam.admin.openstack.upload import Outcome, Report, Upload, check, put
from jeroboam.artifacts import CloudImage
from jeroboam.contracts import NoProgress
from jeroboam.domain.errors import InvalidRequest, ProviderUnavailable

RECORD = CloudImage(
    "node.raw", "swarm", "v26.1.5", "raw", "container", 7, 3, "5eed", "r", {"docker_version": "v26.1.5"}
)


class MemoryShelf:
    """Implements Shelf. `takes`: how many bytes reach it before `breaks` happens."""

    def __init__(self, *there: Found) -> None:
        self.images = {one.id: one for one in there}
        self.told: dict[str, Mapping[str, object]] = {}
        self.takes: int | None = None
        self.breaks: BaseException | None = None

    def find(self, name: str) -> Sequence[Found]:
        assert name == "node"
        return list(self.images.values())

    def make(self, name: str, visibility: str, told: Mapping[str, object]) -> str:
        self.images["new"] = Found("new", "queued", str(told["jeroboam_sha256"]), 0)
        self.told["new"] = {"name": name, "visibility": visibility, **told}
        return "new"

    def fill(self, ident: str, path: Path, read: Callable[[int], None]) -> None:
        content = path.read_bytes()[: self.takes]
        read(len(content))
        if self.breaks:
            raise self.breaks
        self.images[ident] = replace(self.images[ident], status="active", size=len(content))

    def get(self, ident: str) -> Found:
        return self.images[ident]

    def delete(self, ident: str) -> None:
        self.images.pop(ident, None)


@pytest.fixture
def wish(tmp_path: Path) -> Upload:
    (tmp_path / "node.raw").write_bytes(b"content")
    return Upload(tmp_path / "node.raw", RECORD, "node", "public", {"hw_firmware_type": "uefi"})


def test_an_image_says_what_it_holds(wish: Upload) -> None:
    shelf = MemoryShelf()
    assert put(shelf, wish, "5eed", NoProgress()) == Report("new", Outcome.MADE, (), ())
    assert shelf.images["new"] == Found("new", "active", "5eed", 7)
    assert shelf.told["new"] == {
        "name": "node",
        "visibility": "public",
        "disk_format": "raw",
        "container_format": "bare",
        "min_disk": 3,
        "docker_version": "v26.1.5",
        "hw_firmware_type": "uefi",
        "jeroboam_sha256": "5eed",
    }


def test_one_that_is_there_is_kept_and_others_of_its_name_are_told(wish: Upload) -> None:
    there = (Found("a", "active", "old", 5), Found("b", "active", "5eed", 7), Found("c", "active", "", 9))
    shelf = MemoryShelf(*there)
    assert put(shelf, wish, "5eed", NoProgress()) == Report("b", Outcome.KEPT, ("a", "c"), ())
    assert tuple(shelf.images.values()) == there


def test_another_content_is_another_image_and_the_old_one_stays(wish: Upload) -> None:
    shelf = MemoryShelf(
        Found("a", "active", "old", 5), Found("b", "saving", "5eed", 0), Found("c", "deleted", "5eed", 7)
    )
    assert put(shelf, wish, "5eed", NoProgress()) == Report("new", Outcome.MADE, ("a",), ("b",))
    assert set(shelf.images) == {"a", "b", "c", "new"}


@pytest.mark.parametrize("breaks", [ProviderUnavailable("away", after_s=1), KeyboardInterrupt()])
def test_what_was_begun_is_removed_when_it_breaks(wish: Upload, breaks: BaseException) -> None:
    shelf = MemoryShelf()
    shelf.takes, shelf.breaks = 3, breaks
    with pytest.raises(type(breaks)):
        put(shelf, wish, "5eed", NoProgress())
    assert shelf.images == {}


def test_an_image_that_came_in_part_is_none(wish: Upload) -> None:
    shelf = MemoryShelf()
    shelf.takes = 3
    with pytest.raises(ProviderUnavailable) as error:
        put(shelf, wish, "5eed", NoProgress())
    assert error.value.message == "Glance took 3 of 7 bytes of node, and calls it active."
    assert shelf.images == {}


def test_a_file_that_is_not_what_its_record_says_is_refused(wish: Upload) -> None:
    shelf = MemoryShelf()
    with pytest.raises(InvalidRequest) as error:
        put(shelf, wish, "other", NoProgress())
    assert error.value.message.startswith(f"{wish.path} is not the file that its record speaks of")
    wish.path.write_bytes(b"longer than that")
    with pytest.raises(InvalidRequest):
        check(wish)
    assert shelf.images == {}


def test_a_tar_is_no_image_of_a_cloud(wish: Upload) -> None:
    with pytest.raises(InvalidRequest) as error:
        check(replace(wish, record=CloudImage("x", "lxd", "v5", "tar", "container", 7, 3, "5eed", "r", {})))
    assert error.value.message == f"{wish.path} is a tar, from which no server of a cloud starts."
    assert error.value.hint == "Build one with --format raw --server-type container."
