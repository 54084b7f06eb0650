"""What Prometheus is told: requests of this process, and everything else from the database, the same on every process.

Workers export nothing of their own: what they did stands in the rows of their jobs.
"""

import datetime as dt
import time
from collections.abc import Iterator, Mapping

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from archive_app.core.vocabulary import IntakeOutcome
from archive_app.extent import arrivals
from archive_app.health.examination import Examination
from archive_app.health.part import State
from archive_app.wiring import Archive

LATELY = dt.timedelta(hours=1)
_READING = "page.read"
_PARTS_SECONDS = 2.0
_INTAKE_SECONDS = 60.0  # intake is counted row by row, so not at every scrape
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The metrics of one application."""

    def __init__(self, archive: Archive, examination: Examination) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_FromTheDatabase(archive, examination))
        self._requests = Histogram(
            "archive_http_request_seconds", "Requests answered by this process.", ("endpoint", "method", "status"),
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip

    def install(self, app: Flask) -> None:
        """Time every request from here on."""
        app.before_request(self._begin)
        app.after_request(self._end)

    def text(self) -> bytes:
        """The exposition, read anew."""
        return generate_latest(self._registry)

    @staticmethod
    def _begin() -> None:
        g.began = time.monotonic()

    def _end(self, response: Response) -> Response:
        # A stranger may make up methods: each would stay in memory as a series of its own.
        method = request.method if request.method in _METHODS else "other"
        labels = (request.endpoint or "none", method, str(response.status_code))
        self._requests.labels(*labels).observe(time.monotonic() - g.began)
        return response


class _FromTheDatabase(Collector):
    def __init__(self, archive: Archive, examination: Examination) -> None:
        self._archive, self._examination = archive, examination
        self._intake: tuple[float, Mapping[tuple[str, str], int]] | None = None

    def describe(self) -> list[Metric]:
        """Nothing beforehand: a registry that asks would wait for every part."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._parts()
        if self._database_answers:
            yield from self._work()
            yield from self._arrivals()

    def _parts(self) -> Iterator[Metric]:
        parts = self._examination.parts(at_most_old=_PARTS_SECONDS)
        states = GaugeMetricFamily("archive_part_state", "1 for the state a part is in.", labels=("part", "state"))
        seconds = GaugeMetricFamily("archive_part_seconds", "How long a part took to answer.", labels=("part",))
        facts = GaugeMetricFamily("archive_part_fact", "Facts of a part that are numbers.", labels=("part", "fact"))
        for part in parts:
            for state in State:
                states.add_metric((part.name, state), float(part.state == state))
            seconds.add_metric((part.name,), part.seconds)
            for name, value in part.facts.items():
                if isinstance(value, int | float):
                    facts.add_metric((part.name, name), float(value))
        self._database_answers = all(part.state != State.DOWN for part in parts if part.name == "database")
        yield from (states, seconds, facts)

    def _work(self) -> Iterator[Metric]:
        queue = self._archive.queue
        jobs = GaugeMetricFamily("archive_queue_jobs", "Jobs that are not done.", labels=("lane", "state"))
        oldest = GaugeMetricFamily("archive_queue_oldest_seconds", "Wait of the oldest due job.", labels=("lane",))
        for depth in queue.depths():
            for state, count in (("waiting", depth.waiting), ("running", depth.running), ("given-up", depth.buried)):
                jobs.add_metric((depth.lane, state), count)
            oldest.add_metric((depth.lane,), depth.oldest_seconds)
        yield from (jobs, oldest)
        done = GaugeMetricFamily("archive_jobs_done_last_hour", "Jobs done within the hour.", labels=("job",))
        seconds = GaugeMetricFamily("archive_job_seconds_last_hour", "Seconds of their work.", labels=("job",))
        reading = GaugeMetricFamily("archive_ocr_seconds_per_page", "Mean over the pages read within the hour.")
        for work in queue.done_lately(LATELY):
            done.add_metric((work.name,), work.jobs)
            seconds.add_metric((work.name,), work.seconds)
            if work.name == _READING and work.jobs:
                reading.add_metric((), work.seconds / work.jobs)
        yield from (done, seconds, reading)
        yield GaugeMetricFamily("archive_workers", "Workers that were heard of lately.", queue.live_workers())

    def _arrivals(self) -> Iterator[Metric]:
        files = GaugeMetricFamily("archive_intake_files", "Files taken in, by outcome.", labels=("outcome",))
        refused = GaugeMetricFamily("archive_refused_files", "Files refused, by reason.", labels=("reason",))
        outcomes: dict[str, int] = dict.fromkeys(IntakeOutcome, 0)
        for (outcome, reason), count in self._intake_counts().items():
            outcomes[outcome] += count
            if outcome == IntakeOutcome.REFUSED:
                refused.add_metric((reason,), count)
        for outcome, count in outcomes.items():
            files.add_metric((outcome,), count)
        yield from (files, refused)

    def _intake_counts(self) -> Mapping[tuple[str, str], int]:
        if self._intake is not None and time.monotonic() - self._intake[0] < _INTAKE_SECONDS:
            return self._intake[1]
        archive = self._archive
        with archive.reading(archive.own_work("metrics")) as unit:
            counts = arrivals(unit, archive.sessions)
        self._intake = (time.monotonic(), counts)
        return counts
