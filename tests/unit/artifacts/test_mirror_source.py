"""Source "mirror" from a folder and over HTTP, and the order of sources."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from jeroboam.artifacts.cache import Cache, built_by, published_by
from jeroboam.artifacts.catalogue import Part, catalogue
from jeroboam.artifacts.download import DownloadLimits
from jeroboam.artifacts.mirroring import mirror_parts
from jeroboam.artifacts.node_image import architecture
from jeroboam.artifacts.sources import SourceSettings, Wanted, open_sources
from jeroboam.domain.errors import ArtifactCorrupt, ArtifactUnavailable, ConfigError, HostUnsupported, NotFound

from .file_site import FileSite, Told, sha256

pytestmark = pytest.mark.sockets
QUICK = DownloadLimits(connect_s=0.5, silence_s=0.5, total_s=20, tries=2, pause_s=0.01)
ETCD = Wanted("etcd", "v3.6.5", "amd64", catalogue().parts["etcd"]["v3.6.5"])
CONTENT = {"etcd": b"the server" * 1000, "etcdctl": b"the client" * 1000}


def lay_out(root: Path, first_line: str = "") -> Path:
    """A mirror as an operator would make it by hand: cp and sha256sum."""
    folder = root / "etcd" / "v3.6.5" / "amd64"
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    sums = "".join(f"{sha256(content)}  {name}\n" for name, content in CONTENT.items())
    (folder / "SHA256SUMS").write_text(first_line + sums)
    return folder


def serve(site: FileSite, root: Path) -> str:
    for file in root.rglob("*"):
        if file.is_file():
            site.files[f"/mirror/{file.relative_to(root)}"] = file.read_bytes()
    site.files["/mirror"] = b""
    return f"{site.url}/mirror"


Place = Callable[[Path], str]


@pytest.fixture(params=["folder", "address"])
def place(request: pytest.FixtureRequest, site: FileSite) -> Place:
    """The same mirror either way."""
    return str if request.param == "folder" else lambda root: serve(site, root)


async def obtain(place: str, cache: Cache, told: Told, wanted: Wanted = ETCD) -> dict[str, Path]:
    async with open_sources(SourceSettings(order=("mirror",), mirror=place, limits=QUICK)) as sources:
        return await sources.obtain([wanted], cache, told)


async def test_a_mirror_made_by_hand_serves(place: Place, tmp_path: Path, cache: Cache, told: Told) -> None:
    lay_out(tmp_path / "mirror")
    where = place(tmp_path / "mirror")
    found = await obtain(where, cache, told)
    assert {name: path.read_bytes() for name, path in found.items()} == CONTENT
    assert cache.find("etcd", "v3.6.5", "amd64", ("etcd",), "any recipe") == found["etcd"].parent
    assert (found["etcd"].parent / "SHA256SUMS").read_text().splitlines()[0] == f"# published {where}"


async def test_a_damaged_binary_is_never_used(place: Place, tmp_path: Path, cache: Cache, told: Told) -> None:
    (lay_out(tmp_path / "mirror") / "etcd").write_bytes(b"damaged")
    with pytest.raises(ArtifactCorrupt, match=rf"etcd.*SHA-256 is {sha256(b'damaged')}"):
        await obtain(place(tmp_path / "mirror"), cache, told)
    assert not (cache.root / "bin").exists()
    assert not list((cache.root / "work").iterdir())


async def test_what_the_mirror_lacks_is_named(place: Place, tmp_path: Path, cache: Cache, told: Told) -> None:
    folder = lay_out(tmp_path / "mirror")
    other = Wanted("etcd", "v3.6.5", "amd64", Part(go=(), binaries=("etcd", "etcdctl", "etcdutl")))
    with pytest.raises(ArtifactUnavailable, match="SHA256SUMS does not name etcdutl"):
        await obtain(place(tmp_path / "mirror"), cache, told, other)
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(
        ArtifactUnavailable, match=r"etcd v3\.6\.5 cannot be had from mirror: .*/etcd/v3\.6\.5/amd64/SHA256SUMS"
    ):
        await obtain(str(tmp_path / "mirror"), cache, told)


async def test_sums_that_are_none_are_called_so(place: Place, tmp_path: Path, cache: Cache, told: Told) -> None:
    (lay_out(tmp_path / "mirror") / "SHA256SUMS").write_text("oops\n")
    with pytest.raises(ArtifactCorrupt, match="line 1 of SHA256SUMS is not a SHA-256 and a file name: 'oops'"):
        await obtain(place(tmp_path / "mirror"), cache, told)


async def test_our_own_program_by_another_recipe_is_refused(
    place: Place, tmp_path: Path, cache: Cache, told: Told
) -> None:
    pause = Wanted("pause", "1", "amd64", catalogue().parts["pause"]["1"])
    folder = tmp_path / "mirror" / "pause" / "1" / "amd64"
    folder.mkdir(parents=True)
    (folder / "pause").write_bytes(b"an old pause")
    (folder / "SHA256SUMS").write_text(f"# recipe 0123\n{sha256(b'an old pause')}  pause\n")
    with pytest.raises(ArtifactUnavailable, match="holds pause 1 built by another release of Jeroboam"):
        await obtain(place(tmp_path / "mirror"), cache, told, pause)
    (folder / "SHA256SUMS").write_text(f"# recipe {pause.recipe}\n{sha256(b'an old pause')}  pause\n")
    found = await obtain(place(tmp_path / "mirror"), cache, told, pause)
    assert found["pause"].read_bytes() == b"an old pause"


async def test_a_mirror_that_was_written_from_one_cache_fills_another(
    place: Place, tmp_path: Path, cache: Cache, told: Told
) -> None:
    gvisor = "v0.0.0-20260122175437-89a5d21be8f0"
    parts = {**catalogue().kubernetes["v1.34.4"].parts, "gvisor": gvisor}
    for part, version in parts.items():
        spec = catalogue().parts[part][version]
        recipe = Wanted(part, version, architecture(), spec).recipe
        with cache.work(part) as made:
            for name in spec.binaries:
                (made / name).write_bytes(f"{part} {name}".encode())
            cache.put(part, version, architecture(), made, built_by(recipe) if part == "pause" else published_by("x"))
    mirror = tmp_path / "mirror"
    modules = SourceSettings(order=("modules",))
    written = await mirror_parts(mirror, runtimes=["runsc"], cache_root=cache.root, sources=modules)
    assert [str(path.relative_to(mirror)).rpartition("/")[0] for path in written] == [
        "kubernetes/v1.34.4",
        "etcd/v3.6.5",
        "coredns/v1.12.1",
        "flannel/v0.26.7",
        "pause/1",
        "hello/1",
        f"gvisor/{gvisor}",
    ]
    other = Cache(tmp_path / "other")
    settings = SourceSettings(order=("mirror",), mirror=place(mirror), limits=QUICK)
    wanted = [Wanted(p, v, architecture(), catalogue().parts[p][v]) for p, v in parts.items()]
    async with open_sources(settings) as sources:
        found = await sources.obtain(wanted, other, told)
    assert len(found) == 15
    assert found["etcdctl"].read_bytes() == b"etcd etcdctl"
    assert found["pause"].stat().st_mode & 0o777 == 0o755


async def test_a_mirror_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "cache")
    release = catalogue().kubernetes["v1.34.4"]
    for part, version in release.parts.items():
        with cache.work(part) as made:
            for name in catalogue().parts[part][version].binaries:
                (made / name).write_bytes(b"x")
            cache.put(part, version, architecture(), made, published_by("x"))
    with pytest.raises(HostUnsupported, match=r"The mirror .*/file cannot be written: .*Not a directory"):
        await mirror_parts(tmp_path / "file", cache_root=cache.root)
    with pytest.raises(HostUnsupported, match=r"The cache cannot be used: .*/file/locks: Not a directory"):
        await mirror_parts(tmp_path / "mirror", cache_root=tmp_path / "file")
    with pytest.raises(NotFound, match=r"Runtime 'kata' is not known; known are: runsc\."):
        await mirror_parts(tmp_path / "mirror", runtimes=["kata"], cache_root=cache.root)
    with pytest.raises(NotFound, match=r"Kubernetes '9\.9' is not known"):
        await mirror_parts(tmp_path / "mirror", ["9.9"], cache_root=cache.root)


async def test_each_source_is_asked_in_order_and_all_reasons_are_told(tmp_path: Path, cache: Cache, told: Told) -> None:
    (tmp_path / "empty").mkdir()
    sites = {"kubernetes": "http://127.0.0.1:1/release", "etcd": "http://127.0.0.1:1", "coredns": "http://127.0.0.1:1"}
    settings = SourceSettings(
        order=("release", "mirror"),
        mirror=str(tmp_path / "empty"),
        sites={**sites, "flannel": sites["etcd"]},
        limits=QUICK,
    )
    part = Wanted("etcd", "v3.6.5", "amd64", catalogue().parts["etcd"]["v3.6.5"])
    async with open_sources(settings) as sources:
        with pytest.raises(ArtifactUnavailable) as error:
            await sources.obtain([part], cache, told)
    first, second, third = error.value.message.splitlines()
    assert first == "No source supplies etcd v3.6.5:"
    assert second.startswith(" release: 127.0.0.1:1 cannot be reached (")
    assert third == f" mirror: {tmp_path}/empty/etcd/v3.6.5/amd64/SHA256SUMS cannot be read: No such file or directory."
    assert len(told.notes()) == 1
    assert told.notes()[0].endswith(" Going on with mirror.")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SourceSettings(order=("web",)), "Source 'web' is not known; known are: release, mirror, modules."),
        (SourceSettings(order=("mirror",)), "The source mirror needs to know where the mirror is."),
        (
            SourceSettings(mirror="/no/such"),
            "The mirror /no/such is neither a folder nor an address (http://... or https://...).",
        ),
        (
            SourceSettings(sites={"helm": "https://files.example"}),
            "No release site of 'helm' is known; known are those of kubernetes, etcd, coredns, flannel.",
        ),
        (
            SourceSettings(sites={"etcd": "files.example"}),
            "The release site of etcd, 'files.example', must begin with http:// or https://.",
        ),
    ],
)
def test_a_wrong_setting_is_named(settings: SourceSettings, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        settings.names()
    assert error.value.message == message


def test_the_mirror_is_asked_first_when_nothing_else_is_said(tmp_path: Path) -> None:
    assert SourceSettings().names() == ("release", "modules")
    assert SourceSettings(mirror=str(tmp_path)).names() == ("mirror", "release", "modules")
    assert SourceSettings(order=("modules", "modules")).names() == ("modules",)


async def test_without_go_the_error_names_go_and_the_mirror_helps(
    tmp_path: Path, cache: Cache, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    (bare / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    monkeypatch.setenv("PATH", str(bare))
    pause = Wanted("pause", "1", "amd64", catalogue().parts["pause"]["1"])
    async with open_sources(SourceSettings(limits=QUICK)) as sources:
        with pytest.raises(ArtifactUnavailable) as error:
            await sources.obtain([pause], cache, told)
    assert error.value.message == (
        "pause 1 cannot be had from modules: Go 1.19 is needed to build pause 1: it is not installed, "
        "and the image golang:1.19-bookworm cannot be had (Docker is not installed.)."
    )
    assert error.value.hint == "Install Go 1.19 or newer, or use a mirror: `jeroboam image mirror --help`."
