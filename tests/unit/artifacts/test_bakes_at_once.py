"""Two bakes at once: neither takes away what the other works with, and the same is not baked twice."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from jeroboam.artifacts import CloudWish, architecture, build_cloud_image, catalogue
from jeroboam.artifacts.bake import Plan, bake
from jeroboam.artifacts.cache import Cache, built_by
from jeroboam.artifacts.cloud_form import FORMS
from jeroboam.artifacts.oven import DOCKER
from jeroboam.artifacts.sources import Wanted

from .file_site import Told

# A daemon with the containers that were made and not removed; nothing can be done with another. What starts one takes a moment.
DOCKER_PROGRAM = """#!/bin/sh
held=$0.held
mkdir -p $held
echo "$*" >>$0.log
there() { [ -e $held/$1 ] || { echo "No such container: $1" >&2; exit 1; }; }
case "$*" in
  "create --name "*) mkdir $held/$3 ;;
  "rm -f -v "*) rm -rf $held/$4 ;;
  "start "*) there $2; sleep 0.2; there $2 ;;
  "cp - "*) there ${3%%:*}; cat >/dev/null ;;
  "cp jeroboam-"*) there ${2%%:*}; echo x >$3 ;;
  "cp "*) there ${3%%:*}; cat $2 >/dev/null ;;
  "exec jeroboam-"*" cat "*) there $2; echo content ;;
  "exec -i "*) there $3; cat >/dev/null; sleep 0.1; there $3; echo 8 1073741824 ;;
  "images -q "*) echo found ;;
  "info "*) echo /no/such/folder ;;
  *dpkg-query*) echo 20.10.24+dfsg1-1 ;;
esac
"""


@pytest.fixture
def swarm(cache: Cache, tmp_path: Path) -> Cache:
    """With all that an image of Swarm is built of."""
    [(version, part)] = catalogue().parts["hello"].items()
    (made := tmp_path / "hello").mkdir()
    (made / "hello").write_text("a program")
    wanted = Wanted("hello", version, architecture(), part)
    cache.put("hello", version, architecture(), made, built_by(wanted.recipe))
    return cache


def lines(docker: Path, beginning: str) -> list[str]:
    return [line for line in Path(f"{docker}.log").read_text().splitlines() if line.startswith(beginning)]


async def test_two_formats_of_one_recipe_take_turns(docker: Path, swarm: Cache, tmp_path: Path) -> None:
    wishes = [CloudWish("swarm", name, "container", output=tmp_path / f"node.{name}") for name in ("raw", "tar")]
    async with asyncio.TaskGroup() as group:
        for wish in wishes:
            group.create_task(build_cloud_image(wish, cache_root=swarm.root))
    assert [(tmp_path / f"node.{name}").read_text() for name in ("raw", "tar")] == ["content\n", "content\n"]
    assert len(lines(docker, "create ")) == 4
    assert not list(Path(f"{docker}.held").iterdir())


async def test_the_same_file_is_built_once(docker: Path, swarm: Cache, tmp_path: Path) -> None:
    wish, told = CloudWish("swarm", "raw", "container", output=tmp_path / "node.raw"), Told()
    first, second = await asyncio.gather(
        *(build_cloud_image(wish, cache_root=swarm.root, progress=told) for _ in range(2))
    )
    assert first == second
    assert len(lines(docker, "create ")) == 2
    assert next(task for task, _ in told.finished if task.startswith("wait for process")).endswith("builds node.raw")


async def test_two_caches_with_one_daemon_do_not_meet(docker: Path, swarm: Cache, tmp_path: Path) -> None:
    other = Cache(tmp_path / "other")
    other.root.mkdir()
    (other.root / "bin").symlink_to(swarm.root / "bin")
    async with asyncio.TaskGroup() as group:
        for cache in (swarm, other):
            wish = CloudWish("swarm", "raw", "container", output=tmp_path / f"{cache.root.name}.raw")
            group.create_task(build_cloud_image(wish, cache_root=cache.root))
    assert len({line.split()[2] for line in lines(docker, "create ")}) == 4


@pytest.mark.usefixtures("docker")
async def test_forms_of_one_version_do_not_share_a_folder(cache: Cache) -> None:
    version, release = catalogue().find(None)
    small = msgspec.structs.replace(release, images=(), node_binaries=())
    folders: list[Path] = []

    async def keep(*_: object) -> None:
        folders.extend((cache.root / "work").iterdir())

    for form, recipe in ((DOCKER, "a" * 32), (FORMS["vm"], "b" * 32)):
        await bake(cache, Plan(version, small, recipe, "base", {}, "amd64", form=form), Told(), keep)
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)
