"""The broker, RabbitMQ: a message only wakes whoever reads it; it carries the id of a job, whose row decides.

Messages are Celery's, so that Celery workers understand them, and every publication waits for the broker's
confirmation. Queues are durable, messages are not written to disk: one that is lost is sent again for its row. Queues
are classic ones: a quorum queue of a single node was seen to answer with internal errors after the server was killed.
"""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from celery import Celery
from kombu import Connection, Producer, Queue
from kombu.exceptions import KombuError

from archive_app.core.errors import Unavailable
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Lane

QUEUES: Mapping[Lane, str] = {lane: f"archive.{lane}" for lane in Lane}
JOB_TASK = "archive.job"  # do the job with this id
BATCH_TASK = "archive.batch"  # do what waits in the index lane
_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 10
_NOT_FOUND, _REFUSALS = 404, (403, 530)  # codes of AMQP; the latter of a user, a password, a virtual host


def make_app(settings: Settings) -> Celery:
    """Celery as the archive uses it: JSON only, no results, no events, no remote control; the row decides."""
    app = Celery("archive", set_as_current=False)
    app.conf.update(
        broker_url=settings.broker_url,
        broker_use_ssl=_tls(settings),
        broker_transport_options={"confirm_publish": True},
        broker_connection_timeout=_CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # the broker closed it: work took longer than it waits for an answer
        broker_heartbeat=30,
        task_queues=[_queue(lane) for lane in Lane],
        task_default_queue=QUEUES[Lane.LIGHT],
        task_default_exchange="",
        task_default_delivery_mode="transient",
        task_create_missing_queues=False,
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_send_sent_event=False,
        worker_prefetch_multiplier=1,
        worker_proc_alive_timeout=60.0,  # seconds to begin in; a busy machine takes more than the usual four
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def _queue(lane: Lane) -> Queue:
    name = QUEUES[lane]
    return Queue(name, routing_key=name, durable=True, queue_arguments={"x-queue-type": "classic"})


def _tls(settings: Settings) -> dict[str, object] | None:
    """Certificate and name of the broker are checked, against the system's authorities or the given one."""
    if not settings.broker_url.startswith("amqps:"):
        return None
    tls: dict[str, object] = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}  # None: that of the URL
    return tls | ({"ca_certs": settings.broker_ca} if settings.broker_ca else {})


class Broker:
    """Publishes, and says how many messages wait. Connects at first use and again after a fault; safe for threads."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(settings)
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._lock = threading.Lock()

    def publish(self, lane: Lane, ident: UUID) -> None:
        """Wake a worker of the lane for this job. Raises `Unavailable`: then nobody knows whether it was sent."""
        with self._reached():
            self._app.send_task(
                BATCH_TASK if lane == Lane.INDEX else JOB_TASK,
                args=(str(ident),),
                queue=QUEUES[lane],
                producer=self._producer,
                mandatory=True,  # a queue that is gone is a fault, not a loss
                retry=False,
                ignore_result=True,
                confirm_timeout=_ANSWER_SECONDS,
            )

    def depths(self) -> Mapping[Lane, int]:
        """How many messages wait in each queue, those at a worker not counted. Raises `Unavailable`."""
        with self._reached() as connection:
            return {lane: _queue(lane)(connection.default_channel).queue_declare().message_count for lane in Lane}

    def standing_queues(self) -> Mapping[Lane, int]:
        """The queues that are there, with how many messages wait in each; makes none. Raises `Unavailable`."""
        found = {}
        with self._reached() as connection:
            for lane in Lane:
                channel = connection.channel()  # it ends with a queue that is not there
                try:
                    found[lane] = _queue(lane)(channel).queue_declare(passive=True).message_count
                    channel.close()
                except connection.channel_errors as fault:
                    if fault.code != _NOT_FOUND:
                        raise
        return found

    @contextmanager
    def _reached(self) -> Iterator[Connection]:
        """The connection, on which no answer takes longer than `_ANSWER_SECONDS`."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._app.connection_for_write(heartbeat=0)
                    self._connection.ensure_connection(max_retries=1, timeout=_CONNECT_SECONDS)
                    self._producer = Producer(self._connection)
                with self._connection.connection.transport.having_timeout(_ANSWER_SECONDS):
                    yield self._connection
            except (*Connection().connection_errors, *Connection().channel_errors, KombuError, OSError) as fault:
                self._drop()
                code = "broker-refused" if getattr(fault, "code", 0) in _REFUSALS else "broker-unreachable"
                raise Unavailable(code, fault=type(fault).__name__) from fault

    def _drop(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.collect(socket_timeout=1)

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._drop()
