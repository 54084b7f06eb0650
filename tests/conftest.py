"""What all tests share: how thorough a run is, and that the gate lets no ring be skipped."""

from collections.abc import Callable, Generator

import pytest

KINDS = ("sqlite", "postgresql")
RINGS = ("services", "browser", "ocr")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")
    parser.addoption("--database", choices=KINDS, default="sqlite", help="what archives of tests stand on")
    parser.addoption("--full", action="store_true", help="proofs run with their full counts")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "prove: a proof by many repetitions; deploy/prove runs it with full counts")
    if config.getoption("--database") != "sqlite":
        from databases import Chosen  # noqa: PLC0415 - the tests of the gate itself run with this file alone

        Chosen.kind = config.getoption("--database")


@pytest.fixture(scope="session")
def count(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """`count(few, many)`: how often to repeat, few times in the gate and many in a proof."""
    full = bool(request.config.getoption("--full"))
    return lambda few, many: many if full else few


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report: pytest.TestReport = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        ring = next((name for name in RINGS if item.get_closest_marker(name)), "unmarked")
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} ({ring}) was skipped where nothing may be: {call.excinfo and call.excinfo.value}"
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and collector.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped as a whole where nothing may be"
    return report
