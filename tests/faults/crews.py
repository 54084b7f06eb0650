"""A relay and nodes of Celery workers on a broker of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import databases
from houses import a_home
from own_broker import OwnBroker
from processes import Victim, forkserver, run_celery, run_the_relay

from archive_app.core.vocabulary import Lane

EVERY_LANE = ",".join(Lane)


class Crew(NamedTuple):
    """Who works on the home's jobs; a node that is added ends with the others."""

    home: Path
    relay: Victim
    nodes: list[Victim]

    def add(self, lanes: str = EVERY_LANE, run: Callable[..., None] = run_celery) -> Victim:
        self.nodes.append(Victim(forkserver(), "node", run, str(self.home), lanes))
        return self.nodes[-1]

    def tend(self) -> None:
        """Start anew whoever ended by itself, as the workforce does: a node whose process died before it began ends."""
        for victim in (self.relay, *self.nodes):
            if not victim.process.is_alive():
                victim.kill()


def a_home_on(broker: OwnBroker, place: Path) -> Path:
    """A furnished home whose jobs go through the broker."""
    home = a_home(place)
    databases.keep(home, {**databases.environment(home), "ARCHIVE_BROKER_URL": broker.url})
    return home


@contextmanager
def a_crew(
    home: Path,
    *lanes: str,
    run_node: Callable[..., None] = run_celery,
    run_relay: Callable[..., None] = run_the_relay,
) -> Iterator[Crew]:
    """A relay, and for each of the lanes (several with commas) a node."""
    crew = Crew(home, Victim(forkserver(), "relay", run_relay, str(home)), [])
    try:
        for each in lanes:
            crew.add(each, run_node)
        yield crew
    finally:
        for victim in (crew.relay, *crew.nodes):
            victim.end()
