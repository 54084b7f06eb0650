"""`kill -9` before each request of a put to an S3 server: nothing or the whole object, and the put repeated is one."""

import io
import os
import signal
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from s3_stores import a_client, an_address, an_s3_store
from services import S3Server
from storing import LIMIT, StoppedClock, dying_before, put, read

from archive_app.objects.s3 import S3Store
from archive_app.objects.s3_client import S3Client

pytestmark = pytest.mark.services
IN_ONE = os.urandom(1 << 20)
IN_PARTS = os.urandom(11 << 20)


@pytest.mark.parametrize(("content", "least"), [(IN_ONE, 3), (IN_PARTS, 7)], ids=["in one", "in parts"])
def test_killed_in_a_put_there_is_nothing_or_the_whole_object(
    server: S3Server, tmp_path: Path, content: bytes, least: int
):
    whole = 0
    for step in range(100):
        address, owner = an_address(server), uuid4()
        process = get_context("fork").Process(
            target=put_and_die,
            args=(an_s3_store(server, tmp_path, StoppedClock(), address=address), owner, content, step),
        )
        process.start()
        process.join()
        store = an_s3_store(server, tmp_path, StoppedClock(), address=address)
        left = list(store.keys())
        for key in left:
            assert read(store, key) == content
        whole += bool(left)
        key = put(store, content, owner=owner)
        assert left in ([], [key])
        outside = a_client(server, address)
        (name,) = (name for name in outside.names(address.prefix) if name.endswith(str(key)))
        assert len(list(outside.versions(name))) == 1
        assert read(store, key) == content
        if process.exitcode == 0:
            assert step >= least, "not every request was counted"
            assert whole > 1, "never killed between upload and read-back"
            return
        assert process.exitcode == -signal.SIGKILL
    pytest.fail("the put never came to its end")


def put_and_die(store: S3Store, owner: UUID, content: bytes, step: int) -> None:
    """Put in this process, which dies before the request with that number."""
    counted = dying_before(step)
    S3Client._url_open = counted(S3Client._url_open)  # type: ignore[method-assign, assignment]
    store.put(io.BytesIO(content), fonds="HZ01", owner=owner, limit=LIMIT)
