"""From TOML text to a typed table, with every fault of the text told at once.

An entry without `basis` or `certainty` takes those of its table's header.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from archive_app.core.errors import InvalidInput
from archive_app.core.reference.entries import (
    ArchiveClass,
    CaseRule,
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

_ADAPTERS: Final[Mapping[Kind, TypeAdapter[Any]]] = {
    Kind.CLASSES: TypeAdapter(Table[ArchiveClass]),
    Kind.RETENTION_RULES: TypeAdapter(Table[RetentionRule]),
    Kind.DOCUMENT_TYPES: TypeAdapter(Table[DocumentType]),
    Kind.FIELDS: TypeAdapter(Table[FieldDefinition]),
    Kind.LEVELS: TypeAdapter(Table[LevelLabel]),
    Kind.ROLES: TypeAdapter(Table[Role]),
    Kind.PURPOSES: TypeAdapter(Table[Purpose]),
    Kind.REGIONS: TypeAdapter(Table[Region]),
    Kind.NUMBER_PATTERNS: TypeAdapter(Table[NumberPattern]),
    Kind.COMPLETENESS: TypeAdapter(Table[CaseRule]),
    Kind.LANES: TypeAdapter(Table[TimelineLane]),
}
#: pydantic's words for faults that our reader of TOML calls otherwise.
_REASONS: Final = {"unexpected_keyword_argument": "unknown-key", "enum": "unknown-word"}
_HEADER: Final = frozenset({"kind", "version", "valid_from", "basis", "source", "certainty", "entries"})


def bundled() -> Mapping[Kind, str]:
    """The TOML text of every table that comes with the product, by kind."""
    folder = resources.files("archive_app") / "reference_data"
    return {kind: (folder / f"{kind}.toml").read_text(encoding="utf-8") for kind in Kind}


def read_toml(text: str) -> Mapping[str, Any]:
    """The mapping that a TOML text holds. Raises `InvalidInput("reference-syntax")` with the place."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InvalidInput("reference-syntax", text=str(fault)) from fault


def parse(kind: Kind | str, mapping: Mapping[str, Any]) -> Table[Any]:
    """The table of this kind that the mapping holds.

    Raises `InvalidInput("reference-faults")` with all faults at once, each under the path of its place, such as
    `fields[certno].format`: unknown and missing keys, values of a wrong form, the same code twice, another kind.
    """
    if kind not in set(Kind):
        raise InvalidInput("reference-faults", kind="unknown-kind")
    kind = Kind(kind)
    raw = mapping.get("entries")
    entries = raw if isinstance(raw, list) else []
    inherited = {key: mapping[key] for key in ("basis", "certainty") if key in mapping}
    plain = {key: value for key, value in mapping.items() if key in _HEADER - {"entries", "certainty"}}
    plain["entries"] = [inherited | entry if isinstance(entry, dict) else entry for entry in entries]
    faults: dict[str, object] = {f"{kind}.{key}": "unknown-key" for key in mapping if key not in _HEADER}
    if mapping.get("kind") != kind:
        faults[f"{kind}.kind"] = "wrong-kind"
    if not entries:
        faults[f"{kind}.entries"] = "missing"
    faults |= _repeated_codes(kind, entries)
    try:
        table: Table[Any] = _ADAPTERS[kind].validate_json(json.dumps(plain, default=str))
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            reason = _REASONS.get(error["type"], error["type"].replace("_", "-"))
            faults.setdefault(_path(kind, entries, error["loc"]), reason)
        raise InvalidInput("reference-faults", **faults) from None
    if faults:
        raise InvalidInput("reference-faults", **faults)
    return table


def _repeated_codes(kind: Kind, entries: list[Any]) -> dict[str, object]:
    codes = Counter(str(entry.get("code")) for entry in entries if isinstance(entry, dict))
    return {f"{kind}[{code}]": "duplicate-code" for code, times in codes.items() if times > 1}


def _path(kind: Kind, entries: list[Any], place: tuple[int | str, ...]) -> str:
    """`entries, 3, format` as `kind[code].format`, so that the author finds the line."""
    if len(place) < 2 or place[0] != "entries" or not isinstance(place[1], int):  # noqa: PLR2004
        return ".".join([str(kind), *map(str, place)])
    entry = entries[place[1]]
    code = entry.get("code", place[1]) if isinstance(entry, dict) else place[1]
    return "".join([f"{kind}[{code}]", *(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[2:])])
