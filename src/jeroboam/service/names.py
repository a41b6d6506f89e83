"""Names for what nobody named: `<greek letter>-<1..24>-cluster`."""

from __future__ import annotations

import secrets

_LETTERS = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
)


def made_up(kind: str) -> str:
    """A readable name, not unique: names need not be."""
    return f"{secrets.choice(_LETTERS)}-{secrets.randbelow(24) + 1}-{kind}"
