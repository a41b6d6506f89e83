import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jeroboam.artifacts.appc import Converted, convert_aci
from jeroboam.artifacts.appc.archive import Limits
from jeroboam.contracts import NoProgress
from jeroboam.domain.errors import HostUnsupported, InvalidRequest

from .aci import MANIFEST, changed, member, packed, tool, written


def converted(aci: Path, **words: Any) -> Converted:
    return convert_aci(aci, aci.parent / "out.tar", NoProgress(), machine="amd64", **words)


def refusal(aci: Path, **words: Any) -> str:
    """The sentence; nothing may be left of the try."""
    before = set(aci.parent.iterdir())
    with pytest.raises(InvalidRequest) as error:
        converted(aci, **words)
    assert set(aci.parent.iterdir()) == before
    return error.value.message.replace(str(aci), "ACI")


def blob(archive: Path, digest: str) -> bytes:
    with tarfile.open(archive) as tar:
        file = tar.extractfile("blobs/" + digest.replace(":", "/"))
        assert file is not None
        content = file.read()
    assert "sha256:" + hashlib.sha256(content).hexdigest() == digest
    return content


def config(made: Converted) -> dict[str, Any]:
    manifest = json.loads(blob(made.path, made.digest))
    found = json.loads(blob(made.path, manifest["config"]["digest"]))
    assert found["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    return dict(found)


def layer(made: Converted) -> tarfile.TarFile:
    content = blob(made.path, json.loads(blob(made.path, made.digest))["layers"][0]["digest"])
    return tarfile.open(fileobj=io.BytesIO(content))


def test_the_manifest_becomes_the_configuration(tmp_path: Path) -> None:
    app = {
        "workingDirectory": "/opt/work",
        "environment": [{"name": "DEBUG", "value": "true"}],
        "ports": [
            {"name": "health", "port": 4000, "protocol": "tcp"},
            {"name": "ftp-data", "port": 20000, "count": 3, "protocol": "udp"},
        ],
        "mountPoints": [{"name": "work", "path": "/var/lib/work"}],
    }
    notes = [
        {"name": "created", "value": "2014-10-27T19:32:27.67Z"},
        {"name": "authors", "value": "Carly Container"},
        {"name": "homepage", "value": "https://example.com"},
        {"name": "example.com/team", "value": "reducers"},
    ]
    aci = written(tmp_path / "a.aci", changed(app, annotations=notes))
    made = converted(aci)
    assert (made.reference, made.losses) == ("example.com/reduce-worker:1.0.0", ())
    found = config(made)
    del found["rootfs"]
    assert found == {
        "os": "linux",
        "architecture": "amd64",
        "author": "Carly Container",
        "created": "2014-10-27T19:32:27.67Z",
        "config": {
            "Entrypoint": ["/bin/tool", "--quiet"],
            "User": "100:300",
            "WorkingDir": "/opt/work",
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBUG=true"],
            "ExposedPorts": {"4000/tcp": {}, "20000/udp": {}, "20001/udp": {}, "20002/udp": {}},
            "Volumes": {"/var/lib/work": {}},
            "Labels": {
                "appc.io/name": "example.com/reduce-worker",
                "appc.io/image-id": "sha512-" + hashlib.sha512(aci.read_bytes()).hexdigest(),
                "org.opencontainers.image.version": "1.0.0",
                "org.opencontainers.image.url": "https://example.com",
                "example.com/team": "reducers",
            },
        },
        "history": [
            {
                "created": "2014-10-27T19:32:27.67Z",
                "created_by": "jeroboam image convert (example.com/reduce-worker)",
            }
        ],
    }


def test_the_archive_is_an_image_layout_and_one_that_old_docker_takes(tmp_path: Path) -> None:
    made = converted(written(tmp_path / "a.aci"))
    with tarfile.open(made.path) as tar:
        files = {name: tar.extractfile(name) for name in ("oci-layout", "index.json", "manifest.json")}
        read = {name: json.loads(file.read()) for name, file in files.items() if file}
        names = set(tar.getnames())
    assert read["oci-layout"] == {"imageLayoutVersion": "1.0.0"}
    [one] = read["index.json"]["manifests"]
    assert one["digest"] == made.digest
    assert one["annotations"] == {
        "io.containerd.image.name": "example.com/reduce-worker:1.0.0",
        "org.opencontainers.image.ref.name": "1.0.0",
    }
    [docker] = read["manifest.json"]
    assert docker["RepoTags"] == ["example.com/reduce-worker:1.0.0"]
    assert {docker["Config"], *docker["Layers"]} < names


def test_files_keep_all_their_properties(tmp_path: Path) -> None:
    attribute = {"SCHILY.xattr.user.note": "kept", "SCHILY.xattr.security.capability": "\x01\udcff\x00"}
    members = [
        *tool(),
        member("./rootfs/bin/other", b"x", mode=0o4750, uid=7, gid=8, uname="me", gname="us", mtime=123.5),
        member("rootfs/bin/hard", b"", type=tarfile.LNKTYPE, linkname="./rootfs/bin/tool"),
        member("rootfs/bin/soft", b"", type=tarfile.SYMTYPE, linkname="../../../etc/passwd"),
        member("rootfs/dev-null", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("rootfs/" + "long/" * 40 + "name", b"deep"),
        member("rootfs/attributes", b"", pax_headers=attribute),
    ]
    made = converted(written(tmp_path / "a.aci", members=members))
    with layer(made) as tar:
        found = {info.name: info for info in tar}
        assert list(found)[:3] == ["bin", "bin/tool", "bin/other"]
        other = found["bin/other"]
        assert (other.mode, other.uid, other.gid, other.uname, other.mtime) == (0o4750, 7, 8, "me", 123.5)
        assert (found["bin/hard"].type, found["bin/hard"].linkname) == (tarfile.LNKTYPE, "bin/tool")
        assert found["bin/soft"].linkname == "../../../etc/passwd"
        assert (found["dev-null"].devmajor, found["dev-null"].devminor) == (1, 3)
        deep = tar.extractfile("long/" * 40 + "name")
        assert deep is not None
        assert deep.read() == b"deep"
        kept = {key: value for key, value in found["attributes"].pax_headers.items() if key.startswith("SCHILY")}
        assert kept == attribute


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_any_compression_gives_the_same_image(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "a.aci").write_bytes(pack(packed(tool())))
    plain = converted(written(tmp_path / "plain.aci"))
    assert converted(tmp_path / "a.aci").digest == plain.digest


def test_a_manifest_at_the_end_is_found(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in [*tool(), member("manifest", json.dumps(MANIFEST).encode())]:
            tar.addfile(info, io.BytesIO(content or b""))
    (tmp_path / "a.aci").write_bytes(buffer.getvalue())
    assert converted(tmp_path / "a.aci").reference == "example.com/reduce-worker:1.0.0"


def test_a_white_list_leaves_out_the_rest(tmp_path: Path) -> None:
    members = [*tool(), member("rootfs/bin/other"), member("rootfs/etc", None)]
    made = converted(written(tmp_path / "a.aci", changed(pathWhitelist=["/bin", "/bin/tool"]), members))
    with layer(made) as tar:
        assert tar.getnames() == ["bin", "bin/tool"]


def test_the_owner_of_a_file_runs_the_app(tmp_path: Path) -> None:
    members = [*tool(), member("rootfs/bin/ping", uid=1000, gid=2000)]
    made = converted(written(tmp_path / "a.aci", changed({"user": "/bin/ping", "group": "/bin/ping"}), members))
    assert config(made)["config"]["User"] == "1000:2000"
    absent = changed({"user": "0", "group": "/bin/absent"})
    assert refusal(written(tmp_path / "b.aci", absent, members)) == (
        "app.group = /bin/absent names a file that is not in the ACI."
    )


@pytest.mark.parametrize(
    ("labels", "name", "expected"),
    [
        ({"version": "2.0+git~1"}, "example.com/user~two/app", "example.com/user-two/app:2.0-git-1"),
        ({}, "kubelet", "kubelet:sha512-"),
    ],
)
def test_the_name_comes_of_the_manifest(labels: dict[str, str], name: str, expected: str, tmp_path: Path) -> None:
    pairs = [{"name": key, "value": value} for key, value in labels.items()]
    aci = written(tmp_path / "a.aci", changed(name=name, labels=pairs))
    tail = "" if labels else hashlib.sha512(aci.read_bytes()).hexdigest()[:12]
    assert converted(aci).reference == expected + tail
    assert converted(aci, name="registry.example:5000/team/app:1.0").reference == "registry.example:5000/team/app:1.0"


@pytest.mark.parametrize("name", ["app", "app:", "App:1", "app:with space", "registry.example:5000/app", "-a:1"])
def test_a_chosen_name_is_a_name_with_a_tag(name: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "a.aci"), name=name) == (
        f"--name {name} is no image name with a tag; give one like registry.example/team/app:1.0."
    )


@pytest.mark.parametrize(
    ("arch", "expected"),
    [
        ("aarch64", {"architecture": "arm64"}),
        ("armv7l", {"architecture": "arm", "variant": "v7"}),
        ("", {"architecture": "amd64"}),
    ],
)
def test_the_architecture_in_the_words_of_oci(arch: str, expected: dict[str, str], tmp_path: Path) -> None:
    labels = [{"name": "os", "value": "linux"}] + ([{"name": "arch", "value": arch}] if arch else [])
    found = config(converted(written(tmp_path / "a.aci", changed(labels=labels))))
    assert {key: found[key] for key in ("architecture", "variant") if key in found} == expected


def test_what_an_image_cannot_say_is_told(tmp_path: Path) -> None:
    app = {
        "eventHandlers": [{"name": "pre-start", "exec": ["/bin/fetch"]}],
        "isolators": [{"name": "resource/memory", "value": {"limit": "2G"}}],
        "supplementaryGIDs": [400],
        "mountPoints": [{"name": "conf", "path": "/conf", "readOnly": True}],
        "ports": [
            {"name": "web", "port": 80, "protocol": "tcp", "socketActivated": True},
            {"name": "old", "port": 81, "protocol": "dccp"},
        ],
    }
    made = converted(written(tmp_path / "a.aci", changed(app)))
    assert made.losses == (
        "pre-start ['/bin/fetch'] is not run: use an init container or a lifecycle hook.",
        "The isolator resource/memory is not kept: set it as the container's resources or securityContext.",
        "supplementaryGIDs [400] are not kept: set them in the pod's securityContext.",
        "The mount point conf (/conf) is to be read-only: say so where you mount it.",
        "The port web wants socket activation, which containers do not have: the app must open it.",
        "The port old is of the protocol dccp, which is not kept.",
    )
    assert config(made)["config"]["ExposedPorts"] == {"80/tcp": {}}
    files_only = {key: value for key, value in MANIFEST.items() if key != "app"}
    made = converted(written(tmp_path / "b.aci", files_only))
    assert made.losses == ("It has no app, so it has no entry point: give a command when you run it.",)
    assert "Entrypoint" not in config(made)["config"]


PATH = "it begins with the program's path, which begins with /"


@pytest.mark.parametrize(
    ("manifest", "what", "wish"),
    [
        (changed(acKind="PodManifest"), "acKind = 'PodManifest'", "only an ImageManifest is an image"),
        (changed(acVersion="1.0.0"), "acVersion = '1.0.0'", "versions 0.x.y of the specification are known"),
        (changed(name="A"), "name = 'A'", "a name is lower-case letters and digits with single -._~/ between"),
        (changed(labels=[{"name": "a", "value": "1"}] * 2), "labels.name = 'a'", "a name stands there once"),
        (changed({"exec": []}), "app.exec = []", PATH),
        (changed({"exec": ["tool"]}), "app.exec = ['tool']", PATH),
        (changed({"user": ""}), "app.user = ''", "a name, a number or a path in the image"),
        (changed({"group": "a:b"}), "app.group = 'a:b'", "a colon and what cannot be printed are in no user's name"),
        (changed({"workingDirectory": "work"}), "app.workingDirectory = 'work'", "it begins with /"),
        (
            changed({"environment": [{"name": "A-B", "value": ""}]}),
            "app.environment.name = 'A-B'",
            "letters, digits and _",
        ),
        (changed({"mountPoints": [{"name": "m", "path": "m"}]}), "app.mountPoints.path = 'm'", "it begins with /"),
        (changed({"ports": [{"name": "p", "protocol": "tcp", "port": 0}]}), "app.ports.port = 0", "1 to 65535"),
        (
            changed({"ports": [{"name": "p", "protocol": "tcp", "port": 65535, "count": 2}]}),
            "app.ports.count = 2",
            "1 to 1, since it begins at 65535",
        ),
        *(
            (
                changed(annotations=[{"name": "created", "value": value}]),
                f"annotations.created = '{value}'",
                "a moment is written as 2014-10-27T19:32:27Z",
            )
            for value in ("yesterday", "2014-10-27", "2014-13-27T19:32:27Z", "2014-10-27T19:32:27")
        ),
        (changed(pathWhitelist=["bin"]), "pathWhitelist = 'bin'", "its paths begin with /"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(manifest: dict[str, Any], what: str, wish: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "a.aci", manifest)) == f"{what} of the ACI's manifest is not usable; {wish}."


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (changed({"user": 0}), "The ACI's manifest cannot be read: Expected `str`, got `int` - at `$.app.user`."),
        (changed(labels=[{"name": "os", "value": "freebsd"}]), "The ACI is made for freebsd; nodes run linux."),
        (
            changed(labels=[{"name": "arch", "value": "armv7b"}]),
            "The ACI's label arch = armv7b is not known; known are: amd64, i386, aarch64, armv6l, armv7l, ppc64le, s390x.",
        ),
    ],
)
def test_a_manifest_that_cannot_be_served_is_refused(manifest: dict[str, Any], expected: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "a.aci", manifest)) == expected


def test_an_image_that_lies_on_others_is_refused_with_their_names(tmp_path: Path) -> None:
    needs = changed(dependencies=[{"imageName": "example.com/base"}, {"imageName": "example.com/certs"}])
    told = refusal(written(tmp_path / "a.aci", needs))
    assert told.startswith("dependencies = 'example.com/base, example.com/certs' of the ACI's manifest is not usable; ")
    assert "render the image with them first" in told


LINK = member("rootfs/link", b"", type=tarfile.SYMTYPE, linkname="/etc")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([member("rootfs/../../etc/passwd")], "the path 'rootfs/../../etc/passwd' leads out of it"),
        ([member("/rootfs/bin")], "the path '/rootfs/bin' leads out of it"),
        ([member("etc/passwd")], "etc/passwd is neither manifest nor in the folder rootfs"),
        ([member("rootfs")], "rootfs is neither manifest nor in the folder rootfs"),
        ([*tool(), member("./rootfs/bin/tool")], "rootfs/bin/tool is in it twice"),
        ([LINK, member("rootfs/link/passwd")], "rootfs/link/passwd lies behind the symbolic link link"),
        ([member("rootfs/a/.wh.b")], "rootfs/a/.wh.b begins with .wh., which in a layer means a removed file"),
        ([member("rootfs/h", b"", type=tarfile.LNKTYPE, linkname="/etc/shadow")], "the path '/etc/shadow' leads out of it"),
        ([member("rootfs/h", b"", type=tarfile.LNKTYPE, linkname="manifest")], "rootfs/h is a hard link to manifest, outside of rootfs"),
        ([], "it holds no folder rootfs"),
    ],
)  # fmt: skip
def test_what_may_not_be_in_an_archive_is_refused(members: list[Any], expected: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "a.aci", members=members)) == f"ACI is no usable ACI: {expected}."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ", or not a tar at all (the file is empty)"),
        (b"-----BEGIN PGP MESSAGE-----" * 40, ", or not a tar at all (invalid header)"),
        (
            gzip.compress(packed(tool()))[:-40],
            ", or not a tar at all (Compressed file ended before the end-of-stream marker was reached)",
        ),
        (
            gzip.compress(b"")[:10] + b"\xff" * 90,
            ", or not a tar at all (zlib error: Error -3 while decompressing data: invalid block type)",
        ),
        (bz2.compress(packed(tool()))[:40] + b"x" * 90, " (Invalid data stream)"),
        (lzma.compress(packed(tool()))[:40] + b"x" * 90, ", or not a tar at all (Corrupt input data)"),
        (packed(tool())[:2700], ", or not a tar at all (unexpected end of data)"),
    ],
    ids=["empty", "encrypted", "gzip cut", "gzip garbage", "bzip2 garbage", "xz garbage", "tar cut"],
)
def test_damage_is_told_as_damage(content: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "a.aci").write_bytes(content)
    assert refusal(tmp_path / "a.aci") == f"ACI is no usable ACI: it is damaged{expected}."


def test_sizes_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "bomb.aci").write_bytes(gzip.compress(packed([*tool(), member("rootfs/zeros", bytes(3_000_000))])))
    assert refusal(tmp_path / "bomb.aci", limits=Limits(total_bytes=1_000_000)) == (
        "ACI is no usable ACI: it unpacks to more than 1000000 bytes."
    )
    many = written(tmp_path / "many.aci", members=[*tool(), *(member(f"rootfs/{n}") for n in range(20))])
    assert refusal(many, limits=Limits(files=20)) == "ACI is no usable ACI: it has more than 20 files."
    large = changed(annotations=[{"name": "a", "value": "x" * (1 << 20)}])
    assert refusal(written(tmp_path / "large.aci", large)) == (
        "ACI is no usable ACI: its manifest is larger than 1048576 bytes."
    )


def test_a_sparse_file_counts_with_its_full_size(tmp_path: Path) -> None:
    holes = "GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.realsize"
    info, content = member("rootfs/holes", b"0\n".ljust(512, b"\0"))
    info.pax_headers = dict(zip(holes, ("1", "0", "5000000000"), strict=True)) | {"GNU.sparse.name": "rootfs/holes"}
    aci = written(tmp_path / "a.aci", members=[*tool(), (info, content)])
    assert refusal(aci, limits=Limits(total_bytes=1_000_000)) == (
        "ACI is no usable ACI: it unpacks to more than 1000000 bytes."
    )


def test_a_header_that_claims_gigabytes_is_not_taken_into_memory(tmp_path: Path) -> None:
    header, _ = member("rootfs/x", b"", type=b"x")
    header.size = 8 << 20
    plain = packed(tool())
    end = len(plain.rstrip(b"\0")) // 512 * 512 + 512
    (tmp_path / "a.aci").write_bytes(plain[:end] + header.tobuf() + bytes(9 << 20))
    assert refusal(tmp_path / "a.aci") == "ACI is no usable ACI: a file in it has headers of more than 4194304 bytes."


def test_no_bytes_at_all_make_it_fall(tmp_path: Path) -> None:
    rng = random.Random(5)
    whole = packed(tool())
    for number in range(150):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            content[rng.randrange(3072)] = rng.randrange(256)
        aci = tmp_path / f"{number}.aci"
        aci.write_bytes(bytes(content))
        with suppress(InvalidRequest):
            assert converted(aci).path.is_file()


def test_an_archive_that_was_there_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    (tmp_path / "out.tar").write_text("old")
    refusal(written(tmp_path / "a.aci", changed(acKind="PodManifest")))
    assert (tmp_path / "out.tar").read_text() == "old"
    converted(written(tmp_path / "a.aci"))
    assert tarfile.is_tarfile(tmp_path / "out.tar")


def test_files_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.aci") == "ACI is no usable ACI: it cannot be read (No such file or directory)."
    assert refusal(tmp_path) == "ACI is no usable ACI: it cannot be read (Is a directory)."
    aci = written(tmp_path / "a.aci")
    with pytest.raises(InvalidRequest) as error:
        convert_aci(aci, tmp_path / "no" / "out.tar", NoProgress(), machine="amd64")
    assert error.value.message == f"--out {tmp_path}/no/out.tar: {tmp_path}/no is no folder."
    os.mkdir(tmp_path / "out.tar")
    with pytest.raises(HostUnsupported) as refused:
        converted(aci)
    assert refused.value.message.endswith("cannot be used: Is a directory.")
    assert refused.value.hint == "Name another place by --out."
