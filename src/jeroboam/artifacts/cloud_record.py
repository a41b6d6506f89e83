"""What is known of a node image that is a file: kept beside it, as FILE.json."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..domain.errors import NotFound

SUFFIX = ".json"


class CloudImage(msgspec.Struct, frozen=True):
    """A node image in a file. `size` in bytes; `min_disk_gib` is the smallest disk that it fits on; `properties` are those of Glance,
    by which templates and drivers know what it holds; `recipe` is the hash of all that it was made of."""

    file: str
    coe: str
    version: str
    format: str
    server_type: str
    size: int
    min_disk_gib: int
    sha256: str
    recipe: str
    properties: dict[str, str]


def record_path(image: Path) -> Path:
    """Where the record of an image lies."""
    return image.with_name(image.name + SUFFIX)


def write_record(image: Path, record: CloudImage) -> None:
    """Whole or not at all."""
    target = record_path(image)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    part.replace(target)


def read_record(image: Path) -> CloudImage:
    """Raises NotFound when there is no image, or none that `image build` made."""
    if not image.is_file():
        raise NotFound("Image file", str(image), hint="`jeroboam image build --format raw` makes one.")
    try:
        return msgspec.json.decode(record_path(image).read_bytes(), type=CloudImage)
    except (OSError, msgspec.DecodeError) as error:  # ValidationError is one of them
        raise NotFound(
            "Record",
            str(record_path(image)),
            hint=f"It lies beside each image that `jeroboam image build --format` makes and says what that holds ({error}).",
        ) from error


def find_record(image: Path) -> CloudImage | None:
    """The same, or None."""
    try:
        return read_record(image)
    except NotFound:
        return None
