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


OURS = "project"


def there(
    ident: str, sha256: str, size: int = 7, *, status: str = "active", owner: str = OURS, **told: object
) -> Found:
    """An image as the one that is uploaded would be, but for what is said."""
    like = {
        "visibility": "public",
        "disk_format": "raw",
        "container_format": "bare",
        "min_disk": 3,
        "docker_version": "v26.1.5",
        "hw_firmware_type": "uefi",
        "jeroboam_sha256": sha256,
    }
    return Found(ident, status, owner, size, like | told)


class MemoryShelf:
    """Implements Shelf. `takes`: how many bytes reach it before `breaks` happens; `lost`: an answer to `make`; `meanwhile`: images that
    others make while ours is filled; `shut`: what a deletion raises."""

    project = OURS

    def __init__(self, *images: Found) -> None:
        self.images = {one.id: one for one in images}
        self.takes: int | None = None
        self.breaks: BaseException | None = None
        self.lost: BaseException | None = None
        self.shut: BaseException | None = None
        self.meanwhile: tuple[Found, ...] = ()

    def find(self, name: str) -> Sequence[Found]:
        assert name == "node"
        return list(self.images.values())

    def make(self, ident: str, name: str, told: Mapping[str, object]) -> None:
        assert name == "node"
        self.images[ident] = Found(ident, "queued", OURS, 0, dict(told))
        if self.lost:
            raise self.lost

    def change(self, ident: str, told: Mapping[str, object]) -> None:
        self.images[ident] = replace(self.images[ident], told={**self.images[ident].told, **told})

    def fill(self, ident: str, path: Path, read: Callable[[int], None]) -> None:
        content = path.read_bytes()[: self.takes]
        read(len(content))
        if self.breaks:
            raise self.breaks
        self.images |= {one.id: one for one in self.meanwhile}
        self.images[ident] = replace(self.images[ident], status="active", size=len(content))

    def get(self, ident: str) -> Found:
        return self.images[ident]

    def delete(self, ident: str) -> None:
        if self.shut:
            raise self.shut
        self.images.pop(ident, None)


@pytest.fixture
def wish(tmp_path: Path) -> Upload:
    (tmp_path / "node.raw").write_bytes(b"content")
    return Upload(tmp_path / "node.raw", RECORD, "node", "public", {"hw_firmware_type": "uefi"})


def uploaded(shelf: MemoryShelf, wish: Upload, sha256: str = "5eed") -> Report:
    return put(shelf, wish, sha256, "new", NoProgress())


def test_an_image_says_what_it_holds(wish: Upload) -> None:
    shelf = MemoryShelf()
    assert uploaded(shelf, wish) == Report("new", Outcome.MADE)
    assert shelf.images["new"] == there("new", "5eed")


def test_one_that_is_there_is_kept_and_others_of_its_name_are_told(wish: Upload) -> None:
    images = (there("a", "old", 5), there("b", "5eed"), there("c", "", 9))
    shelf = MemoryShelf(*images)
    assert uploaded(shelf, wish) == Report("b", Outcome.KEPT, others=("a", "c"))
    assert tuple(shelf.images.values()) == images


@pytest.mark.parametrize(
    ("was", "changed"),
    [
        ({"visibility": "private"}, ("visibility",)),
        ({"hw_firmware_type": "bios", "min_disk": 0}, ("min_disk", "hw_firmware_type")),
        ({"docker_version": None}, ("docker_version",)),
    ],
)
def test_one_that_is_there_becomes_what_is_asked_for(
    was: dict[str, object], changed: tuple[str, ...], wish: Upload
) -> None:
    shelf = MemoryShelf(there("a", "5eed", 7, status="active", owner=OURS, **was, beside="stays"))
    assert uploaded(shelf, wish) == Report("a", Outcome.CHANGED, changed)
    assert shelf.images == {"a": there("a", "5eed", beside="stays")}
    assert uploaded(shelf, wish) == Report("a", Outcome.KEPT)


@pytest.mark.parametrize(
    "other",
    [
        there("a", "5eed", owner="a tenant"),
        there("a", "5eed", 6),
        there("a", "5eed", disk_format="qcow2"),
    ],
)
def test_a_property_with_the_sum_makes_no_image_ours(other: Found, wish: Upload) -> None:
    shelf = MemoryShelf(other)
    assert uploaded(shelf, wish) == Report("new", Outcome.MADE, others=("a",))
    assert shelf.images == {"a": other, "new": there("new", "5eed")}


def test_of_several_the_fitting_one_is_kept_and_the_rest_is_told(wish: Upload) -> None:
    shelf = MemoryShelf(there("a", "5eed", visibility="private"), there("b", "5eed"))
    assert uploaded(shelf, wish) == Report("b", Outcome.KEPT, copies=("a",))


def test_what_another_upload_made_meanwhile_is_told(wish: Upload) -> None:
    shelf = MemoryShelf()
    shelf.meanwhile = (there("b", "5eed"), there("c", "more"))
    assert uploaded(shelf, wish) == Report("new", Outcome.MADE, others=("c",), copies=("b",))


def test_another_content_is_another_image_and_the_old_one_stays(wish: Upload) -> None:
    shelf = MemoryShelf(
        there("a", "old", 5),
        there("b", "5eed", 0, status="saving"),
        there("c", "5eed", status="deleted"),
        there("d", "5eed", 0, status="queued", owner="a tenant"),
    )
    assert uploaded(shelf, wish) == Report("new", Outcome.MADE, others=("a",), unfinished=("b",))
    assert set(shelf.images) == {"a", "b", "c", "d", "new"}


@pytest.mark.parametrize("breaks", [ProviderUnavailable("away", after_s=1), KeyboardInterrupt()])
def test_what_was_begun_is_removed_when_it_breaks(wish: Upload, breaks: BaseException) -> None:
    shelf = MemoryShelf()
    shelf.takes, shelf.breaks = 3, breaks
    with pytest.raises(type(breaks)):
        uploaded(shelf, wish)
    assert shelf.images == {}
    shelf.lost = breaks  # it was made, and the answer to that did not come
    with pytest.raises(type(breaks)):
        uploaded(shelf, wish)
    assert shelf.images == {}


@pytest.mark.parametrize("breaks", [ProviderUnavailable("away", after_s=1), KeyboardInterrupt()])
def test_what_cannot_be_removed_is_told_with_the_first_error(wish: Upload, breaks: BaseException) -> None:
    shelf = MemoryShelf()
    shelf.breaks, shelf.shut = breaks, ProviderUnavailable("still away", after_s=1)
    with pytest.raises(type(breaks)) as error:
        uploaded(shelf, wish)
    assert error.value is breaks
    assert error.value.__notes__ == ["The image new may be left in Glance: openstack image delete new"]


def test_a_second_interrupt_tells_what_is_left_too(wish: Upload) -> None:
    shelf = MemoryShelf()
    shelf.breaks, shelf.shut = ProviderUnavailable("away", after_s=1), KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as error:
        uploaded(shelf, wish)
    assert error.value.__notes__ == ["The image new may be left in Glance: openstack image delete new"]


def test_an_image_that_came_in_part_is_none(wish: Upload) -> None:
    shelf = MemoryShelf()
    shelf.takes = 3
    with pytest.raises(ProviderUnavailable) as error:
        uploaded(shelf, wish)
    assert error.value.message == "Glance took 3 of 7 bytes of node, and calls it active."
    assert shelf.images == {}


def test_a_file_that_is_not_what_its_record_says_is_refused(wish: Upload) -> None:
    shelf = MemoryShelf()
    with pytest.raises(InvalidRequest) as error:
        uploaded(shelf, wish, "other")
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
