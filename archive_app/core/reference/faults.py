"""Loose ends between reference tables: a code that one table uses and the other does not have."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archive_app.core.reference.entries import DocumentType, Kind, Table
from archive_app.core.vocabulary import Action, Level

Faults = dict[str, object]
Tables = Mapping[Kind, Table[Any]]


def cross_faults(tables: Tables) -> Faults:
    """Every loose end, under the path of its place, with a reason such as `unknown-class`; empty if all agree."""
    faults: Faults = {}
    checks: tuple[Callable[[Tables], Iterable[tuple[str, str]]], ...] = (
        _classes,
        _types,
        _levels,
        _roles,
        _cases,
        _lanes,
        _patterns,
    )
    for check in checks:
        faults.update(check(tables))
    return faults


def _classes(tables: Tables) -> Iterable[tuple[str, str]]:
    classes = tables[Kind.CLASSES]
    for node in classes:
        place = f"classes[{node.code}]"
        if node.rule is not None and node.rule not in tables[Kind.RETENTION_RULES]:
            yield f"{place}.rule", "unknown-rule"
        if node.parent is not None and node.parent not in classes:
            yield f"{place}.parent", "unknown-class"
        elif _climbs_in_a_ring(node.code, classes):
            yield f"{place}.parent", "ring"
        if (node.category == "KU") != (node.form is not None):
            yield f"{place}.form", "only-and-always-for-accounting"


def _climbs_in_a_ring(code: str, classes: Table[Any]) -> bool:
    seen: set[str] = set()
    here: str | None = code
    while here is not None and here in classes:
        if here in seen:
            return True
        seen.add(here)
        here = classes.of(here).parent
    return False


def _types(tables: Tables) -> Iterable[tuple[str, str]]:
    for item in tables[Kind.DOCUMENT_TYPES]:
        place = f"document_types[{item.code}]"
        if not item.titles:
            yield f"{place}.titles", "missing"
        if item.level not in tables[Kind.LEVELS]:
            yield f"{place}.level", "unknown-level"
        if item.rule is not None and item.rule not in tables[Kind.RETENTION_RULES]:
            yield f"{place}.rule", "unknown-rule"
        yield from _class_choices(item, place, tables[Kind.CLASSES])
        yield from _type_fields(item, place, tables[Kind.FIELDS])


def _class_choices(item: DocumentType, place: str, classes: Table[Any]) -> Iterable[tuple[str, str]]:
    if not item.classes and not item.attachment and not item.structure:
        yield f"{place}.classes", "missing"
    for choice in item.classes:
        if choice.code not in classes:
            yield f"{place}.classes[{choice.code}]", "unknown-class"
        elif classes.of(choice.code).rule is None:
            yield f"{place}.classes[{choice.code}]", "class-takes-no-records"
    conditions = [choice.when for choice in item.classes if choice.when is not None or choice.is_default]
    if len(conditions) != len(set(conditions)):
        yield f"{place}.classes", "same-condition-twice"


def _type_fields(item: DocumentType, place: str, fields: Table[Any]) -> Iterable[tuple[str, str]]:
    for key, times in Counter(field.key for field in item.fields).items():
        if key not in fields:
            yield f"{place}.fields[{key}]", "unknown-field"
        elif times > 1:
            yield f"{place}.fields[{key}]", "duplicate"


def _levels(tables: Tables) -> Iterable[tuple[str, str]]:
    labels = {entry.code: entry.rank for entry in tables[Kind.LEVELS]}
    ours = {level.code: int(level) for level in Level}
    for code in sorted(labels.keys() | ours.keys()):
        if labels.get(code) != ours.get(code):
            yield f"levels[{code}]", "not-a-level" if code not in ours else "missing-or-other-rank"


#: What lets a holder see records; administrators have none of it by virtue of office (decision 19).
_READING = frozenset({Action.RECORD_READ, Action.VALUE_UNMASK, Action.PERSON_READ, Action.INTAKE_READ})


def _roles(tables: Tables) -> Iterable[tuple[str, str]]:
    roles = tables[Kind.ROLES]
    for role in roles:
        place = f"roles[{role.code}]"
        for other in role.excludes:
            if other not in roles or other == role.code:
                yield f"{place}.excludes[{other}]", "unknown-role"
            elif role.code not in roles.of(other).excludes:
                yield f"{place}.excludes[{other}]", "one-sided"
        if role.administrator:
            if _READING & set(role.actions):
                yield f"{place}.actions", "administrator-reads-records"
            for other in roles.by_code.keys() - {role.code, *role.excludes}:
                yield f"{place}.excludes[{other}]", "missing"


def _cases(tables: Tables) -> Iterable[tuple[str, str]]:
    for case in tables[Kind.COMPLETENESS]:
        place = f"completeness[{case.code}]"
        for code in case.classes:
            if code not in tables[Kind.CLASSES]:
                yield f"{place}.classes[{code}]", "unknown-class"
        for requirement in case.requires:
            if not requirement.types or requirement.count < 1:
                yield f"{place}.requires", "asks-for-nothing"
            for code in requirement.types:
                if code not in tables[Kind.DOCUMENT_TYPES]:
                    yield f"{place}.requires[{code}]", "unknown-type"


def _lanes(tables: Tables) -> Iterable[tuple[str, str]]:
    lane_of: dict[str, str] = {}
    for lane in tables[Kind.LANES]:
        for code in lane.types:
            if code not in tables[Kind.DOCUMENT_TYPES]:
                yield f"lanes[{lane.code}].types[{code}]", "unknown-type"
            elif lane_of.setdefault(code, lane.code) != lane.code:
                yield f"lanes[{lane.code}].types[{code}]", "in-two-lanes"


def _patterns(tables: Tables) -> Iterable[tuple[str, str]]:
    for pattern in tables[Kind.NUMBER_PATTERNS]:
        place = f"number_patterns[{pattern.code}]"
        if (pattern.template is None) == (pattern.regex is None):
            yield place, "template-or-regex"
        if pattern.regex is not None:
            try:
                compiled = re.compile(pattern.regex)
            except re.error:
                yield f"{place}.regex", "not-a-regex"
                continue
            for example in pattern.examples:
                if not compiled.fullmatch(example):
                    yield f"{place}.examples[{example}]", "does-not-match"
