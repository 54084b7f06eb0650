"""All reference tables together, known to agree with each other, with the look-ups that the archive makes in them."""

import dataclasses
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archive_app.core.errors import InvalidInput
from archive_app.core.reference.entries import (
    ArchiveClass,
    CaseRule,
    Condition,
    DocumentType,
    FieldDefinition,
    Kind,
    LevelLabel,
    NumberPattern,
    Purpose,
    Region,
    RetentionRule,
    Role,
    Table,
    TimelineLane,
)
from archive_app.core.reference.faults import cross_faults
from archive_app.core.reference.parsing import bundled, parse, read_toml
from archive_app.core.vocabulary import Action, Level


@dataclass(frozen=True)
class ReferenceTables:
    """One version of each table, cross-checked. Made by `of` or `from_texts` only.

    Look-ups by code raise `InvalidInput("unknown-code")`.
    """

    classes: Table[ArchiveClass]
    retention_rules: Table[RetentionRule]
    document_types: Table[DocumentType]
    fields: Table[FieldDefinition]
    levels: Table[LevelLabel]
    roles: Table[Role]
    purposes: Table[Purpose]
    regions: Table[Region]
    number_patterns: Table[NumberPattern]
    completeness: Table[CaseRule]
    lanes: Table[TimelineLane]

    def __hash__(self) -> int:
        """Of the versions of all tables, worked out once: terms and other things are remembered by their tables."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, kind.name).version for kind in dataclasses.fields(self)))

    @classmethod
    def of(cls, tables: Iterable[Table[Any]]) -> "ReferenceTables":
        """The tables together. Raises `InvalidInput("reference-faults")` with every missing table and loose end."""
        by_kind = {table.kind: table for table in tables}
        missing: dict[str, object] = {str(kind): "missing-table" for kind in Kind if kind not in by_kind}
        if missing:
            raise InvalidInput("reference-faults", **missing)
        together = cls(**{str(kind): table for kind, table in by_kind.items()})
        faults = cross_faults(by_kind)
        if faults:
            raise InvalidInput("reference-faults", **faults)
        return together

    @classmethod
    def from_texts(cls, texts: Mapping[Kind, str]) -> "ReferenceTables":
        """The tables that TOML texts hold, by kind. Raises `InvalidInput` with the faults of all of them."""
        faults: dict[str, object] = {}
        tables: list[Table[Any]] = []
        for kind, text in texts.items():
            try:
                tables.append(parse(kind, read_toml(text)))
            except InvalidInput as fault:
                faults |= {f"{kind}: {key}" if key == "text" else key: why for key, why in fault.parameters.items()}
        if faults:
            raise InvalidInput("reference-faults", **faults)
        return cls.of(tables)

    @classmethod
    def bundled(cls) -> "ReferenceTables":
        """The tables that come with the product."""
        return cls.from_texts(bundled())

    # ------------------------------------------------------------ what a paper is

    def class_for(
        self, type_code: str, *, given: Collection[Condition] = (), title: str | None = None
    ) -> ArchiveClass | None:
        """The class of a document of this type: as its title says, else by its first fact that is `given`.

        Where neither decides it is the type's default, and None where the type has none: attachments and structure
        follow their case, and of some types the deciding fact must be known.
        """
        choices = self.document_types.of(type_code).classes
        plain = "".join(title.split()) if title else ""
        chosen = next(
            itertools.chain(
                (choice for choice in choices if any(part in plain for part in choice.titles)),
                (choice for choice in choices if choice.when is not None and choice.when in given),
                (choice for choice in choices if choice.is_default),
            ),
            None,
        )
        return None if chosen is None else self.classes.of(chosen.code)

    def rule_for(self, class_code: str, *, type_code: str | None = None) -> RetentionRule:
        """The retention rule of a record of this class, or of its type where that has a rule of its own.

        Raises `InvalidInput("class-takes-no-records")` for a branch of the scheme.
        """
        node = self.classes.of(class_code)
        if node.rule is None:
            raise InvalidInput("class-takes-no-records", classes=class_code)
        own = self.document_types.of(type_code).rule if type_code is not None else None
        return self.retention_rules.of(own or node.rule)

    def level_for(self, type_code: str | None) -> Level:
        """The level that a record of this type starts with; `sensitive` while the type is not known."""
        return Level.SENSITIVE if type_code is None else Level.of(self.document_types.of(type_code).level)

    def path_of(self, class_code: str) -> tuple[ArchiveClass, ...]:
        """The class and all above it, topmost first."""
        node = self.classes.of(class_code)
        path = [node]
        while node.parent is not None:
            node = self.classes.of(node.parent)
            path.append(node)
        return tuple(reversed(path))

    # ------------------------------------------------------------ what stands on it

    def field(self, key: str) -> FieldDefinition:
        """The definition of a field key; `seal:agency` is defined by `seal`."""
        return self.fields.of(key if key in self.fields else key.partition(":")[0])

    def fields_of(self, type_code: str) -> Iterator[tuple[FieldDefinition, bool]]:
        """The fields taken from documents of this type, each with whether it is required."""
        for item in self.document_types.of(type_code).fields:
            yield self.field(item.key), item.required

    @cached_property
    def personal_fields(self) -> frozenset[str]:
        """Keys of all fields that are masked for viewers without `value:unmask`."""
        return frozenset(entry.code for entry in self.fields if entry.personal)

    # ------------------------------------------------------------ who may

    def actions_of(self, roles: Iterable[str]) -> frozenset[Action]:
        """What the holder of these roles may do."""
        return frozenset(action for role in roles for action in self.roles.of(role).actions)

    def role_conflicts(self, roles: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Pairs of these roles that one person may not hold together, each pair once and in order of code."""
        pairs = {
            (min(role, other), max(role, other))
            for role in roles
            for other in self.roles.of(role).excludes
            if other in roles
        }
        return tuple(sorted(pairs))

    # ------------------------------------------------------------ where

    @cached_property
    def region_prefixes(self) -> frozenset[str]:
        """Two-digit prefixes of division codes that exist or existed; cities and counties change every year."""
        return frozenset(entry.code for entry in self.regions if len(entry.code) == 2)  # noqa: PLR2004

    def region(self, division: str) -> tuple[Region, ...]:
        """What is known of a division code of 2 to 6 digits: province, then city; empty if even the province is not.

        A county, or a city of an older list, that is not known is no fault: the province stands alone then.
        """
        known = self.regions.by_code
        return tuple(known[division[:length]] for length in (2, 4) if division[:length] in known)

    # ------------------------------------------------------------ where it is shown

    @cached_property
    def _lanes_by_type(self) -> Mapping[str, TimelineLane]:
        return {code: lane for lane in self.lanes for code in lane.types}

    def lane_of(self, type_code: str) -> TimelineLane | None:
        """The lane of a person's timeline for documents of this type; None for attachments and structure."""
        return self._lanes_by_type.get(type_code)
