"""What is told of a broker: that it is there, lets us in, has our queues and answers; and how long that may take."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from crews import a_home_on
from houses import a_house
from own_broker import OwnBroker

from archive_app import broker as broker_module
from archive_app.broker import QUEUES, make_app
from archive_app.core.errors import Unavailable
from archive_app.core.vocabulary import Lane
from archive_app.health import servers
from archive_app.health.part import Advice, State
from archive_app.wiring import Archive

pytestmark = [pytest.mark.services, pytest.mark.timeout(0)]


@pytest.fixture
def archive(broker: OwnBroker, tmp_path: Path) -> Iterator[Archive]:
    with a_house(tmp_path, home=a_home_on(broker, tmp_path)) as made:
        yield made
        made.broker.close()


def test_a_broker_is_asked_for_entrance_and_queues_within_bounds(
    broker: OwnBroker, archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    part = servers.broker(archive)
    assert (part.state, part.advice) == (State.DEGRADED, Advice.QUEUES_MISSING)
    assert part.facts["missing"] == ", ".join(Lane)
    archive.broker.depths()  # as a relay does, which makes them
    archive.broker.publish(Lane.OCR, uuid4())
    part = servers.broker(archive)
    assert (part.state, part.advice, part.facts["messages"]) == (State.OK, None, 1)
    monkeypatch.setattr(broker_module, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(broker_module, "_CONNECT_SECONDS", 0.5)
    broker.freeze()
    assert servers.broker(archive).advice == Advice.BROKER_DOWN  # a connection that stood
    assert servers.broker(archive).advice == Advice.BROKER_DOWN  # a new one
    broker.thaw()
    monkeypatch.undo()
    assert servers.broker(archive).state == State.OK
    broker.kill()
    assert servers.broker(archive).advice == Advice.BROKER_DOWN


@pytest.mark.parametrize("url", ["amqp://guest:wrong@127.0.0.1:{port}//", "amqp://guest:guest@127.0.0.1:{port}/other"])
def test_a_broker_that_does_not_let_us_in_is_told_as_such(broker: OwnBroker, archive: Archive, url: str):
    object.__setattr__(archive.settings, "broker_url", url.format(port=broker.port))
    part = servers.broker(archive)
    assert (part.state, part.advice) == (State.DEGRADED, Advice.BROKER_REFUSES)


def test_a_message_for_a_queue_that_is_gone_is_a_fault_and_the_next_look_makes_it_anew(archive: Archive):
    archive.broker.publish(Lane.OCR, uuid4())
    with make_app(archive.settings).connection_for_write() as connection:
        connection.default_channel.queue_delete(QUEUES[Lane.OCR])
    with pytest.raises(Unavailable, match="broker-unreachable"):
        archive.broker.publish(Lane.OCR, uuid4())
    assert archive.broker.depths()[Lane.OCR] == 0
    archive.broker.publish(Lane.OCR, uuid4())
    assert archive.broker.depths()[Lane.OCR] == 1
