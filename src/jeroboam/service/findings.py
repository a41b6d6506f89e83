"""Where the checks of a wish report: a request stops at its first problem, a plan hears of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..contracts import Problem
from ..domain.errors import InvalidRequest, UserError


@dataclass
class Findings:
    """`keep` collects problems, each text once; without it the first one is raised, in the order of the checks."""

    keep: bool = False
    problems: list[UserError] = field(default_factory=list)

    @contextmanager
    def check(self) -> Iterator[None]:
        """One check that raises a UserError when the wish cannot be served. Other errors pass through."""
        try:
            yield
        except UserError as error:
            if not self.keep:
                raise
            self._add(error)

    def refuse(self, problems: Sequence[Problem]) -> None:
        """What a driver or a provider says of a wish. Raises InvalidRequest with all of them in one text, or keeps each."""
        if problems and not self.keep:
            texts = [f"{problem.message} {problem.hint}".strip() for problem in problems]
            raise InvalidRequest(" ".join(texts), field=problems[0].field)
        for problem in problems:
            self._add(InvalidRequest(problem.message, field=problem.field, hint=problem.hint))

    def _add(self, error: UserError) -> None:
        if all(error.message != known.message for known in self.problems):
            self.problems.append(error)
