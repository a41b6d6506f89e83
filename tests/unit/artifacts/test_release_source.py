"""Source "release" against a local site that is laid out like the makers' own."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest

from jeroboam.artifacts.cache import Cache
from jeroboam.artifacts.catalogue import Part, catalogue
from jeroboam.artifacts.download import DownloadLimits
from jeroboam.artifacts.sources import SourceSettings, Wanted, open_sources
from jeroboam.domain.errors import ArtifactCorrupt, ArtifactUnavailable

from .file_site import FileSite, Told, sha256, tar_gz

pytestmark = pytest.mark.sockets
QUICK = DownloadLimits(connect_s=0.5, silence_s=0.5, total_s=20, tries=3, pause_s=0.01)
KUBELET = b"\x7fELF kubelet " + bytes(range(256)) * 2000
SITE_PATH = "/release/v1.34.4/bin/linux/amd64"


def wanted(part: str, version: str, *names: str) -> Wanted:
    """A part of the real catalogue, perhaps with only some of its binaries."""
    spec = catalogue().parts[part][version]
    return Wanted(part, version, "amd64", Part(go=spec.go, binaries=names or spec.binaries))


def kubelet(site: FileSite, content: bytes = KUBELET, *, published: bytes | None = None) -> Wanted:
    """Publish one binary the way dl.k8s.io does: beside it a file with nothing but the checksum."""
    site.files[f"{SITE_PATH}/kubelet"] = content
    site.files[f"{SITE_PATH}/kubelet.sha256"] = sha256(content if published is None else published).encode()
    return wanted("kubernetes", "v1.34.4", "kubelet")


def publish_two(site: FileSite) -> Wanted:
    """A second binary beside the kubelet."""
    kubelet(site)
    site.files[f"{SITE_PATH}/kubeadm"] = b"\x7fELF kubeadm"
    site.files[f"{SITE_PATH}/kubeadm.sha256"] = sha256(b"\x7fELF kubeadm").encode()
    return wanted("kubernetes", "v1.34.4", "kubelet", "kubeadm")


def settings(site: FileSite, *order: str, limits: DownloadLimits = QUICK) -> SourceSettings:
    bases = {"kubernetes": "/release", "etcd": "/etcd-io/etcd", "coredns": "/coredns/coredns", "flannel": "/flannel"}
    sites = {part: site.url + path for part, path in bases.items()}
    return SourceSettings(order=order or ("release",), sites=sites, limits=limits)


async def obtain(used: SourceSettings, cache: Cache, told: Told, *parts: Wanted) -> dict[str, Path]:
    async with open_sources(used) as sources:
        return await sources.obtain(parts, cache, told)


async def test_server_binaries_come_with_a_checksum_file_each(site: FileSite, cache: Cache, told: Told) -> None:
    contents = {name: f"binary {name}".encode() * 999 for name in ("kubelet", "kubeadm", "kube-proxy")}
    for name, content in contents.items():
        site.files[f"{SITE_PATH}/{name}"] = content
        site.files[f"{SITE_PATH}/{name}.sha256"] = sha256(content).encode() + b"\n"
    found = await obtain(settings(site), cache, told, wanted("kubernetes", "v1.34.4", *contents))
    assert {name: path.read_bytes() for name, path in found.items()} == contents
    assert found["kubelet"] == cache.root / "bin" / "kubernetes" / "v1.34.4" / "amd64" / "kubelet"
    assert found["kubelet"].stat().st_mode & 0o777 == 0o755
    assert (found["kubelet"].parent / "SHA256SUMS").read_text().splitlines()[0] == f"# published {site.url}/release"
    assert told.bytes["download kubelet v1.34.4"] == len(contents["kubelet"])
    assert told.totals["download kubelet v1.34.4"] == len(contents["kubelet"])
    assert not list((cache.root / "downloads").iterdir())


async def test_etcd_comes_in_an_archive_named_in_a_list_of_checksums(site: FileSite, cache: Cache, told: Told) -> None:
    name = "etcd-v3.6.5-linux-amd64"
    archive = tar_gz({f"{name}/README.md": b"-", f"{name}/etcd": b"the server", f"{name}/etcdctl": b"the client"})
    site.files[f"/etcd-io/etcd/v3.6.5/{name}.tar.gz"] = archive
    lines = f"{'0' * 64}  etcd-v3.6.5-linux-arm64.tar.gz\n{sha256(archive)}  {name}.tar.gz\n"
    site.files["/etcd-io/etcd/v3.6.5/SHA256SUMS"] = lines.encode()
    found = await obtain(settings(site), cache, told, wanted("etcd", "v3.6.5"))
    assert {key: path.read_bytes() for key, path in found.items()} == {"etcd": b"the server", "etcdctl": b"the client"}


async def test_coredns_comes_in_an_archive_with_a_checksum_file_that_names_a_path(
    site: FileSite, cache: Cache, told: Told
) -> None:
    archive = tar_gz({"coredns": b"the name server"})
    site.files["/coredns/coredns/v1.12.1/coredns_1.12.1_linux_amd64.tgz"] = archive
    line = f"{sha256(archive)}  release/coredns_1.12.1_linux_amd64.tgz\n"
    site.files["/coredns/coredns/v1.12.1/coredns_1.12.1_linux_amd64.tgz.sha256"] = line.encode()
    found = await obtain(settings(site), cache, told, wanted("coredns", "v1.12.1"))
    assert found["coredns"].read_bytes() == b"the name server"


async def test_what_has_no_published_checksum_is_not_used(site: FileSite, cache: Cache, told: Told) -> None:
    site.files["/flannel/v0.26.7/flannel-v0.26.7-linux-amd64.tar.gz"] = tar_gz({"flanneld": b"the daemon"})
    with pytest.raises(ArtifactUnavailable, match=r"flannel v0\.26\.7 has no published checksum there .*404"):
        await obtain(settings(site), cache, told, wanted("flannel", "v0.26.7"))
    assert site.gets() == []


async def test_a_cut_connection_is_resumed_where_it_broke(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    site.cut[f"{SITE_PATH}/kubelet"] = [100_000, 50_000]
    found = await obtain(settings(site), cache, told, part)
    assert found["kubelet"].read_bytes() == KUBELET
    assert site.gets() == [
        (f"{SITE_PATH}/kubelet", ""),
        (f"{SITE_PATH}/kubelet", "bytes=100000-"),
        (f"{SITE_PATH}/kubelet", "bytes=150000-"),
    ]
    assert told.bytes["download kubelet v1.34.4"] == len(KUBELET)


async def test_a_site_without_ranges_starts_over(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    site.cut[f"{SITE_PATH}/kubelet"] = [100_000]
    site.whole = True
    found = await obtain(settings(site), cache, told, part)
    assert found["kubelet"].read_bytes() == KUBELET
    assert told.bytes["download kubelet v1.34.4"] == len(KUBELET)


async def test_a_silent_connection_is_resumed(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    site.stall[f"{SITE_PATH}/kubelet"] = 70_000
    began = time.monotonic()
    found = await obtain(settings(site), cache, told, part)
    assert found["kubelet"].read_bytes() == KUBELET
    assert site.gets()[1] == (f"{SITE_PATH}/kubelet", "bytes=70000-")
    assert time.monotonic() - began < 30


async def test_a_busy_site_is_asked_again(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    site.status = {f"{SITE_PATH}/kubelet.sha256": [503], f"{SITE_PATH}/kubelet": [503, 429]}
    assert (await obtain(settings(site), cache, told, part))["kubelet"].read_bytes() == KUBELET


async def test_a_download_that_gives_up_says_how_far_it_came_and_the_next_run_goes_on(
    site: FileSite, cache: Cache, told: Told
) -> None:
    part = kubelet(site)
    site.cut[f"{SITE_PATH}/kubelet"] = [200_000, 0, 0]
    with pytest.raises(ArtifactUnavailable, match=r"kubelet broke off after 200000 bytes: .*") as error:
        await obtain(settings(site), cache, told, part)
    assert error.value.hint == "Run it again: it goes on from there."
    assert [path.stat().st_size for path in (cache.root / "downloads").iterdir()] == [200_000]
    site.asked.clear()
    assert (await obtain(settings(site), cache, told, part))["kubelet"].read_bytes() == KUBELET
    assert site.gets() == [(f"{SITE_PATH}/kubelet", "bytes=200000-")]


async def test_a_torn_rest_of_an_earlier_run_costs_one_more_download(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    rest = cache.download(sha256(KUBELET)).with_suffix(".part")
    rest.write_bytes(b"\0" * 1000)
    assert (await obtain(settings(site), cache, told, part))["kubelet"].read_bytes() == KUBELET
    assert site.gets() == [(f"{SITE_PATH}/kubelet", "bytes=1000-"), (f"{SITE_PATH}/kubelet", "")]


async def test_a_rest_that_is_longer_than_the_file_is_thrown_away(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    cache.download(sha256(KUBELET)).with_suffix(".part").write_bytes(KUBELET + b"more")
    assert (await obtain(settings(site), cache, told, part))["kubelet"].read_bytes() == KUBELET


async def test_a_download_that_was_finished_before_a_kill_is_not_repeated(
    site: FileSite, cache: Cache, told: Told
) -> None:
    part = kubelet(site)
    cache.download(sha256(KUBELET)).write_bytes(KUBELET)
    assert (await obtain(settings(site), cache, told, part))["kubelet"].read_bytes() == KUBELET
    assert site.gets() == []


async def test_what_was_finished_when_another_binary_failed_is_not_repeated(
    site: FileSite, cache: Cache, told: Told
) -> None:
    part = publish_two(site)
    site.status = {f"{SITE_PATH}/kubelet.sha256": [503, 503]}
    slowly = dataclasses.replace(QUICK, tries=2, pause_s=0.5)  # time for the other one
    with pytest.raises(ArtifactUnavailable, match=r"kubelet\.sha256 could not be read"):
        await obtain(settings(site, limits=slowly), cache, told, part)
    assert site.gets() == [(f"{SITE_PATH}/kubeadm", "")]
    assert not list((cache.root / "work").iterdir())
    site.asked.clear()
    found = await obtain(settings(site), cache, told, part)
    assert found["kubeadm"].read_bytes() == b"\x7fELF kubeadm"
    assert site.gets() == [(f"{SITE_PATH}/kubelet", "")]
    assert not list((cache.root / "downloads").iterdir())


async def test_a_wrong_checksum_stops_everything_and_leaves_nothing(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site, b"evil", published=b"good")
    with pytest.raises(ArtifactCorrupt) as error:
        await obtain(settings(site, "release", "modules"), cache, told, part)
    assert error.value.message == (
        f"{site.url}{SITE_PATH}/kubelet is not what was published: its SHA-256 is {sha256(b'evil')}, "
        f"not {sha256(b'good')}. The file was removed."
    )
    assert not list((cache.root / "downloads").iterdir())
    assert not (cache.root / "bin").exists()


async def test_a_checksum_file_that_is_none_is_an_error_that_says_so(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    site.files[f"{SITE_PATH}/kubelet.sha256"] = b"<html>Please log in</html>"
    with pytest.raises(
        ArtifactCorrupt, match=r"kubelet\.sha256: line 1 of SHA256SUMS is not a SHA-256 and a file name"
    ):
        await obtain(settings(site), cache, told, part)


async def test_an_archive_without_the_binary_is_refused(site: FileSite, cache: Cache, told: Told) -> None:
    archive = tar_gz({"README": b"moved"})
    site.files["/coredns/coredns/v1.12.1/coredns_1.12.1_linux_amd64.tgz"] = archive
    site.files["/coredns/coredns/v1.12.1/coredns_1.12.1_linux_amd64.tgz.sha256"] = sha256(archive).encode()
    with pytest.raises(ArtifactUnavailable, match="The published archive holds no file coredns"):
        await obtain(settings(site), cache, told, wanted("coredns", "v1.12.1"))
    assert not list((cache.root / "downloads").iterdir())


async def test_what_is_not_there_names_the_address(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    del site.files[f"{SITE_PATH}/kubelet"]
    with pytest.raises(ArtifactUnavailable, match=rf"{site.url}{SITE_PATH}/kubelet: 404 Not Found"):
        await obtain(settings(site), cache, told, part)


async def test_a_site_that_never_answers_costs_one_deadline_and_one_line(cache: Cache, told: Told) -> None:
    async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sites = dict.fromkeys(("kubernetes", "etcd", "coredns", "flannel"), f"http://127.0.0.1:{port}/files")
    used = SourceSettings(order=("release", "mirror"), mirror=str(cache.root.parent), sites=sites, limits=QUICK)
    began = time.monotonic()
    with pytest.raises(ArtifactUnavailable, match="No source supplies"):
        await obtain(used, cache, told, wanted("kubernetes", "v1.34.4"), wanted("etcd", "v3.6.5"))
    server.close()
    assert time.monotonic() - began < 20  # the site itself takes 30
    assert told.notes() == [f"127.0.0.1:{port} does not answer within 0.5 s. Going on with mirror."]


async def test_a_site_that_cannot_be_reached_says_so(site: FileSite, cache: Cache, told: Told) -> None:
    part = kubelet(site)
    closed = dataclasses.replace(settings(site), sites={"kubernetes": "http://127.0.0.1:1/release"})
    with pytest.raises(ArtifactUnavailable, match=r"127\.0\.0\.1:1 cannot be reached"):
        await obtain(closed, cache, told, part)


async def test_four_downloads_at_once_and_no_more(site: FileSite, cache: Cache, told: Told) -> None:
    names = catalogue().parts["kubernetes"]["v1.34.4"].binaries
    for name in names:
        site.files[f"{SITE_PATH}/{name}"] = name.encode() * 20_000
        site.files[f"{SITE_PATH}/{name}.sha256"] = sha256(name.encode() * 20_000).encode()
    site.slow_s = 0.05
    found = await obtain(settings(site), cache, told, wanted("kubernetes", "v1.34.4"))
    assert sorted(found) == sorted(names)
    assert len(found) == 7
    assert site.most_at_once == 4


async def test_a_part_in_the_cache_is_not_asked_for_whichever_source_comes_first(
    site: FileSite, cache: Cache, told: Told
) -> None:
    part = kubelet(site)
    first = await obtain(settings(site), cache, told, part)
    site.asked.clear()
    assert await obtain(settings(site, "modules", "release"), cache, told, part) == first
    assert site.asked == []
