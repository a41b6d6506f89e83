import asyncio
import errno
import os
from pathlib import Path

import pytest

from jeroboam.artifacts import gomodules
from jeroboam.artifacts.cache import Cache, Checksums, built_by, published_by
from jeroboam.artifacts.catalogue import catalogue
from jeroboam.artifacts.process import run
from jeroboam.contracts import NoProgress
from jeroboam.domain.errors import ArtifactUnavailable, DeadlineExceeded, HostUnsupported, NotFound

from .file_site import Told


@pytest.mark.parametrize("asked", [None, "v1.34.4", "1.34.4", "1.34", "v1.34"])
def test_a_version_is_found_by_patch_minor_or_default(asked: str | None) -> None:
    assert catalogue().find(asked)[0] == "v1.34.4"


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"Kubernetes '9\.9' is not known; known are: .*v1\.34\.4"):
        catalogue().find("9.9")


def test_every_image_and_node_is_made_of_known_binaries_and_committed_modules() -> None:
    known = catalogue()
    for release in known.kubernetes.values():
        made = {b for part, version in release.parts.items() for b in known.parts[part][version].binaries}
        assert set(release.node_binaries) <= made
        assert release.pause in {image.name for image in release.images}
        for image in release.images:
            assert set(image.binaries) <= made, image.name
        for part, version in release.parts.items():
            names = {file.name for file in gomodules.module_folder(part, version).iterdir()}
            assert "go.mod" in names
            assert "go.sum" in names or part in ("pause", "hello")  # ours need the standard library alone


def test_every_runtime_is_a_part_with_a_committed_module() -> None:
    known = catalogue()
    assert known.check_runtimes(["runsc", "runsc"]) == ("runsc",)
    for runtime in known.runtimes.values():
        assert known.parts[runtime.part][runtime.version].binaries == ("containerd-shim-runsc-v1", "runsc")
        names = {file.name for file in gomodules.module_folder(runtime.part, runtime.version).iterdir()}
        assert names == {"go.mod", "go.sum", "main.go", "tools.go"}
    with pytest.raises(NotFound, match=r"^Runtime 'kata' is not known; known are: runsc\.$"):
        known.check_runtimes(["kata"])


def _finished(cache: Cache, content: bytes) -> Path:
    with cache.work("x") as made:
        (made / "tool").write_bytes(content)
        return cache.put("part", "v1", "amd64", made, built_by("recipe-1"))


def test_what_was_put_is_found_until_it_is_damaged_or_its_recipe_changes(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.find("part", "v1", "amd64", ("tool",), "recipe-1") is None
    folder = _finished(cache, b"good")
    assert cache.find("part", "v1", "amd64", ("tool",), "recipe-1") == folder
    assert cache.find("part", "v1", "amd64", ("tool",), "recipe-2") is None
    assert cache.find("part", "v1", "amd64", ("tool", "other"), "recipe-1") is None
    (folder / "tool").write_bytes(b"evil")
    assert cache.find("part", "v1", "amd64", ("tool",), "recipe-1") is None


def test_what_was_published_is_good_whatever_our_recipe_is(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    with cache.work("x") as made:
        (made / "tool").write_bytes(b"good")
        folder = cache.put("part", "v1", "amd64", made, published_by("https://files.example/release"))
    assert cache.find("part", "v1", "amd64", ("tool",), "any recipe") == folder
    assert (folder / "SHA256SUMS").read_text() == (
        "# published https://files.example/release\n"
        "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c  tool\n"
    )


def test_checksum_files_are_read_as_sha256sum_writes_them() -> None:
    value = "a" * 64
    assert Checksums.parse(f"{value}  one\n{value.upper()} *two\n\n# note\n{value}  ./three\n").files == {
        "one": value,
        "two": value,
        "three": value,
    }
    with pytest.raises(ValueError, match=r"line 2 of SHA256SUMS is not a SHA-256 and a file name: 'abc  one'"):
        Checksums.parse(f"{value}  one\nabc  one\n")


async def test_two_builds_at_once_take_turns(tmp_path: Path) -> None:
    cache, order = Cache(tmp_path), []

    async def build(name: str) -> None:
        async with cache.lock("image", NoProgress()):
            order.append(f"{name} in")
            await asyncio.sleep(0.1)
            order.append(f"{name} out")

    await asyncio.gather(build("a"), build("b"))
    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


async def test_a_lock_that_is_held_too_long_is_an_error_that_names_its_holder(cache: Cache, told: Told) -> None:
    async with cache.lock("image", NoProgress()):
        with pytest.raises(DeadlineExceeded) as error:
            async with cache.lock("image", told, wait_s=0):
                pass
    assert error.value.message == f"Process {os.getpid()} has been building image for over 0 s."
    assert error.value.hint == "See what it does; if it hangs, end it and try again."
    assert told.finished == [(f"wait for process {os.getpid()}, which builds image", "failed")]


def test_what_the_system_refuses_in_the_cache_is_told_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file")
    with pytest.raises(HostUnsupported) as error, cache.guard():
        cache.download("a" * 64)
    assert error.value.message == f"The cache cannot be used: {tmp_path}/file/downloads: Not a directory."
    assert error.value.hint == "Free some space or see who owns it, or name another place in XDG_CACHE_HOME."
    with (
        pytest.raises(HostUnsupported, match=rf"^The cache cannot be used: {tmp_path}/file: No space left"),
        cache.guard(),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a write says it: without a name
    with pytest.raises(OSError, match="Too many open files"), cache.guard():
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def test_a_program_that_fails_hangs_or_is_absent_is_an_error_of_ours() -> None:
    with pytest.raises(ArtifactUnavailable, match=r"(?s)exit code 3:.*the reason"):
        await run(["sh", "-c", "echo the reason >&2; exit 3"], timeout_s=10)
    with pytest.raises(DeadlineExceeded, match=r"did not finish within 0\.2 s"):
        await run(["sleep", "30"], timeout_s=0.2)
    with pytest.raises(ArtifactUnavailable, match="no-such-program is not installed"):
        await run(["no-such-program"], timeout_s=1)
