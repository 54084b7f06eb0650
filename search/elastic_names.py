"""The names of one archive's indices in a cluster, and which of them is in force."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archive_app.core.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Names:
    """All names begin with the archive's prefix, so several archives may share a cluster."""

    prefix: str

    @property
    def template(self) -> str:
        """The index template, and the pattern's stem."""
        return f"{self.prefix}-records"

    @property
    def pattern(self) -> str:
        """Every concrete index of records."""
        return f"{self.prefix}-records-0*"

    @property
    def read(self) -> str:
        """The alias that is searched."""
        return f"{self.prefix}-records"

    @property
    def write(self) -> str:
        """The alias that is written through."""
        return f"{self.prefix}-records-write"

    def building(self, index: str) -> str:
        """The alias of an index while a rebuild fills it; as long as it stands, writers write there too.

        Each index has its own, so a rebuild that was taken to be dead does not write into another's.
        """
        return f"{self.prefix}-records-building-{self.number(index):06d}"

    @property
    def control(self) -> str:
        """The small index that says who rebuilds."""
        return f"{self.prefix}-control"

    def concrete(self, number: int) -> str:
        """The index with this number."""
        return f"{self.prefix}-records-{number:06d}"

    def number(self, index: str) -> int | None:
        """The number of a concrete index of ours, None for any other index."""
        found = re.fullmatch(rf"{re.escape(self.prefix)}-records-(\d{{6}})", index)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Layout:
    """What the aliases say. `current` is None before the first index, and where the one in force was lost."""

    current: str | None
    building: str | None
    indices: tuple[str, ...]

    @classmethod
    def of(cls, aliases: Mapping[str, Any], names: Names) -> "Layout":
        """From the server's answer about the aliases of every index of the pattern."""
        ours = {index: set(facts["aliases"]) for index, facts in aliases.items() if names.number(index) is not None}
        current = [index for index, given in ours.items() if names.write in given and names.read in given]
        building = [index for index, given in ours.items() if names.building(index) in given]
        if len(current) > 1 or len(building) > 1:
            raise Unavailable("index-failed", aliases="more than one index")
        return cls(next(iter(current), None), next(iter(building), None), tuple(sorted(ours)))

    def highest(self, names: Names) -> int:
        """The highest number in use."""
        return max((names.number(index) or 0 for index in self.indices), default=0)
