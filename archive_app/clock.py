"""The wall clock behind the Clock port."""

import datetime as dt
from zoneinfo import ZoneInfo


class SystemClock:
    """Time of this machine; days are counted in the archive's own zone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return dt.datetime.now(dt.UTC)  # noqa: TID251 - this is the Clock

    def today(self) -> dt.date:
        """The day in the archive's zone."""
        return dt.datetime.now(self._zone).date()  # noqa: TID251 - this is the Clock
