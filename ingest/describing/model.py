"""What describing takes in and gives back."""

from dataclasses import dataclass
from datetime import date

from archive_app.core.ports import OcrLine
from archive_app.core.vocabulary import Box, FieldState, Level, PartyKind, PartyRole


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page with what was read on it. Boxes are pixels of the page before `rotation`."""

    number: int  # from 1 within its record or stack
    width: int  # pixels
    height: int  # pixels
    rotation: int  # degrees clockwise that bring the page upright: 0, 90, 180, 270
    lines: tuple[OcrLine, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document type that fits. `score` is 0 to 1; `reasons` are codes with their evidence, such as `title:结算单`."""

    type: str
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A rule that was applied to a value."""

    id: str  # such as `check-digit`, `birth-date-agrees`
    passed: bool


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value found: the normal form, what stood there, where, and how sure it is."""

    key: str
    value: str
    as_read: str
    page: int
    box: Box  # of the page before its rotation
    confidence: float  # 0..1
    row: int | None = None  # from 1, in a roster or table
    checks: tuple[Check, ...] = ()
    state: FieldState = FieldState.READ


@dataclass(frozen=True, slots=True)
class PartyMention:
    """A party named on the record, in its role. `doubtful` mentions must be looked at before they are linked."""

    kind: PartyKind
    role: PartyRole
    name: str | None
    number: str | None  # normal form
    number_kind: str | None  # an `IdentifierKind`
    page: int
    box: Box
    row: int | None = None
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """All that the archive says of a record before a person has looked. An empty `review` means clear."""

    type: Candidate | None  # None: abstained
    candidates: tuple[Candidate, ...]  # best first, also below the threshold
    class_code: str | None
    title: str
    formed_on: date | None
    formed_on_evidence: FieldValue | None
    document_number: str | None
    fields: tuple[FieldValue, ...]
    parties: tuple[PartyMention, ...]
    level: Level
    review: tuple[str, ...]

    @property
    def type_confidence(self) -> float:
        """The score of the type, or of the best candidate where it was not enough; 0 without any."""
        best = self.type or (self.candidates[0] if self.candidates else None)
        return best.score if best else 0.0

    @property
    def type_reasons(self) -> tuple[str, ...]:
        """Why this type, or why none."""
        if self.type:
            return self.type.reasons
        best = self.candidates[0] if self.candidates else None
        return ("abstained", *(best.reasons if best else ()))
