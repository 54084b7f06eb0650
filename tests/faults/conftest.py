"""What the fault tests share: the helpers beside them can be imported, also by the processes they fork."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for _folder in (Path(__file__).parent, Path(__file__).parent.parent):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from own_broker import OwnBroker  # noqa: E402 - its folder is on the path only now


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[OwnBroker]:
    """A RabbitMQ of the test's own."""
    made = OwnBroker(tmp_path)
    yield made
    made.close()
