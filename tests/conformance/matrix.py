"""The matrix of drivers and providers: which rules of which suite are run for each pair. A plug-in of pytest.

A test class says by the mark `conformance` whom it proves, and by what kind of nodes. `pytest --write-matrix` writes the outcome of
what ran to docs/conformance.md; tests/conformance/test_matrix.py holds that file against the tests that there are. So that the file
is true whenever the tests pass, a rule of it may fail but not be skipped.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

MARK = "conformance(driver, provider, nodes): proves a driver, a provider, or both together, on such nodes"
PAGE = Path("docs/conformance.md")
_SUITES = "jeroboam.testing"
_HEAD = """\
# Conformance

Which rules are run for which driver on which provider. `make conformance` runs them and writes this page; a test holds it true.

- `DriverSuite`: a driver alone, its first boots as bytes. `LiveDriverSuite`: a driver against a cluster that is up.
- `ProviderSuite`: a provider alone. `LifeSuite`: a cluster of both is made, grown, shrunk and deleted by the service's own steps.
- `RebuilderSuite`, `LiveRenewalSuite`: providers and drivers that make machines anew around their state.
- `CensusSuite`: providers that list the machines of many clusters in one call.
- Nodes: *simulated* ones are rows that run nothing, so first boots are delivered but not executed, and a real driver asks nobody for
  health; *real machines* run systemd and a first boot, but no container tool; a *real cluster* runs the tool and is asked for its health.

The suites are in `src/jeroboam/testing`, for a [driver](howto/new-driver.md) or [provider](howto/new-provider.md) of another package, too.

"""


@dataclass(frozen=True)
class Rule:
    """One test of a suite, for whom and on what; "" where the suite needs no driver, provider or nodes."""

    driver: str
    provider: str
    nodes: str
    suite: str


@dataclass
class Ran:
    """Outcomes of one pytest run: the rules by test, and whether each that ran has passed so far."""

    rules: dict[str, Rule]
    passed: dict[str, bool]
    unread: bool = False  # a test file could not be imported, so its rules are not known


_RAN = pytest.StashKey[Ran]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--write-matrix", action="store_true", help="write docs/conformance.md from what this run shows")
    group.addoption("--plan-matrix", type=Path, help="write to this file what that page says when all rules pass")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARK)
    config.stash[_RAN] = Ran({}, {})


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    collector.config.stash[_RAN].unread |= report.failed
    return report


def pytest_itemcollected(item: pytest.Item) -> None:
    mark = item.get_closest_marker("conformance")
    suite = _suite_of(item) if mark else ""
    if mark and suite:
        item.config.stash[_RAN].rules[item.nodeid] = Rule(
            mark.kwargs.get("driver", ""), mark.kwargs.get("provider", ""), mark.kwargs.get("nodes", ""), suite
        )


def _suite_of(item: pytest.Item) -> str:
    """The shipped class that the test is written in; "" for a test of the subclass's own."""
    assert isinstance(item, pytest.Function), f"{item.nodeid}: the mark conformance is for classes of a suite"
    assert item.cls is not None, f"{item.nodeid}: the mark conformance is for classes of a suite"
    home = next(cls for cls in item.cls.__mro__ if item.originalname in vars(cls))
    return home.__name__ if home.__module__.startswith(_SUITES) else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    ran = item.config.stash[_RAN]
    if item.nodeid in ran.rules:
        if report.skipped:
            report.outcome, report.longrepr = (
                "failed",
                f"docs/conformance.md says that {item.nodeid} ran; it was skipped",
            )
        ran.passed[item.nodeid] = report.passed and ran.passed.get(item.nodeid, True)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    config, ran = session.config, session.config.stash[_RAN]
    if config.option.plan_matrix:
        config.option.plan_matrix.write_text(page(ran.rules.values(), ran.rules.values()))
    if config.option.write_matrix:
        whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
        if ran.rules.keys() - ran.passed.keys() or ran.unread or not whole:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            print("docs/conformance.md is not written: it needs all rules of all folders to run")
        else:
            done = [ran.rules[name] for name, passed in ran.passed.items() if passed]
            (config.rootpath / PAGE).write_text(page(ran.rules.values(), done))


def page(rules: Iterable[Rule], passed: Iterable[Rule]) -> str:
    """The whole page."""
    asked, done = Counter(rules), Counter(passed)
    drivers = sorted({rule.driver for rule in asked} - {""})
    providers = sorted({rule.provider for rule in asked} - {""})
    rows = [["driver", "alone", *(f"on `{name}`" for name in providers)], ["---"] * (len(providers) + 2)]
    rows += [[f"`{name}`", *(_cell(name, at, asked, done) for at in ("", *providers))] for name in drivers]
    rows.append(["none: the provider alone", "", *(_cell("", at, asked, done) for at in providers)])
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(driver: str, provider: str, asked: Counter[Rule], done: Counter[Rule]) -> str:
    found = defaultdict(list)
    for rule in sorted(asked, key=lambda rule: (rule.nodes, rule.suite)):
        if (rule.driver, rule.provider) == (driver, provider):
            found[rule.nodes].append(_count(rule, asked[rule], done[rule]))
    return "; ".join(", ".join(counts) + (nodes and f": {nodes}") for nodes, counts in found.items()) or "not run"


def _count(rule: Rule, asked: int, done: int) -> str:
    return f"`{rule.suite}` {asked} passed" if asked == done else f"`{rule.suite}` **{asked - done} of {asked} FAILED**"
