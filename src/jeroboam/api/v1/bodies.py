"""Request bodies of v1: one declaration each, by which the endpoint reads and the OpenAPI document tells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ..call import Call
from . import fields, patch
from .fields import Field
from .kinds import Schema


@dataclass(frozen=True)
class ObjectBody:
    """An object with these fields. `argument` is its name in errors. `also_needed` is what the endpoint demands in words of its own."""

    media_types: ClassVar[Collection[str]] = ("application/json",)
    argument: str
    fields: Mapping[str, Field]
    also_needed: Collection[str] = ()

    async def read(self, call: Call) -> dict[str, Any]:
        """All fields, absent ones with their defaults. Raises InvalidRequest and what `Call.json` raises."""
        return self.decode(await call.json(self.argument))

    def decode(self, body: object) -> dict[str, Any]:
        """The same of a body that was parsed already."""
        return fields.decode(self.argument, self.fields, body)

    def schema(self) -> Schema:
        """The objects that are taken."""
        needed = {name: replace(self.fields[name], mandatory=True) for name in self.also_needed}
        return fields.schema({**self.fields, **needed})


@dataclass(frozen=True)
class PatchBody:
    """A list in Magnum's dialect of JSON-Patch. What `patch.decode` calls internal, mandatory and only."""

    media_types: ClassVar[Collection[str]] = ("application/json", "application/json-patch+json")
    internal: Collection[str] = ()
    mandatory: Collection[str] = ()
    only: Collection[str] | None = None

    async def read(self, call: Call) -> list[patch.Change]:
        """The entries. Raises InvalidRequest and what `Call.json` raises."""
        body = await call.json("patch", patch=True)
        return patch.decode(body, internal=self.internal, mandatory=self.mandatory, only=self.only)

    def schema(self) -> Schema:
        """The lists that are taken, whatever they are applied to."""
        return patch.schema(self.only)
