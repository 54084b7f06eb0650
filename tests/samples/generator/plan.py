"""What a set consists of: one entry per file, with its papers, its wear and what must become of it."""

from dataclasses import dataclass, field

from tests.samples.generator.degrade import Wear
from tests.samples.generator.form import Paper


@dataclass(frozen=True, slots=True)
class SampleFile:
    """`path` is relative to the set. `kind`: plain, duplicate (of `of`), truncated or encrypted."""

    path: str
    papers: tuple[Paper, ...]
    wear: Wear = field(default_factory=Wear)
    clear: bool = True
    kind: str = "plain"
    of: str = ""
    why: str = ""

    @property
    def outcome(self) -> str:
        return {"plain": "accepted", "duplicate": "duplicate"}.get(self.kind, "refused")
