"""Rule tables as rows: each version is kept as it was loaded; the last of a kind is in force (decision 7)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from archive_app.core import audit
from archive_app.core.archival_number import check_templates
from archive_app.core.errors import Conflict, Unavailable
from archive_app.core.model import RuleTable
from archive_app.core.ports import Clock
from archive_app.core.reference import Kind, ReferenceTables, bundled, parse, read_toml
from archive_app.core.unit import Sessions


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """A version of a rule table."""

    kind: str
    version: str
    basis: str
    digest: str
    in_force: bool


def load(sessions: Sessions, clock: Clock, texts: Mapping[Kind, str], *, actor: str) -> list[str]:
    """Load tables; all faults are reported together and nothing is loaded then. Gives the kinds that changed.

    Raises `InvalidInput` for faults, `Conflict` when a version that is there is loaded with another content.
    """
    with sessions.writing() as session:
        present = _in_force(session.scalars(sa.select(RuleTable).order_by(RuleTable.position)).all())
        merged = {kind: present[kind].content for kind in Kind if kind in present} | dict(texts)
        check_templates(ReferenceTables.from_texts(merged).number_patterns)  # all tables together must agree
        changed = []
        position = session.execute(sa.select(sa.func.max(RuleTable.position))).scalar_one() or 0
        for kind, text in texts.items():
            table = parse(kind, read_toml(text))
            digest = hashlib.sha256(text.encode()).hexdigest()
            same = session.scalars(
                sa.select(RuleTable).where(RuleTable.kind == kind, RuleTable.version == table.version)
            ).one_or_none()
            if same is not None:
                if same.digest != digest:
                    raise Conflict("rule-version-differs", kind=str(kind), version=table.version)
                continue
            position += 1
            session.add(
                RuleTable(
                    kind=str(kind),
                    version=table.version,
                    valid_from=table.valid_from,
                    basis=table.basis,
                    digest=digest,
                    content=text,
                    loaded_at=clock.now(),
                    position=position,
                )
            )
            changed.append(str(kind))
            entry = audit.Entry(
                actor, "rules:loaded", "rule-table", str(kind), values={"version": table.version, "sha256": digest}
            )
            audit.append(session, [entry], now=clock.now())
        session.commit()
    return changed


def load_bundled(sessions: Sessions, clock: Clock) -> list[str]:
    """Load the tables that come with the product."""
    return load(sessions, clock, bundled(), actor="installation")


def in_force(sessions: Sessions) -> ReferenceTables:
    """The tables in force. Raises `Unavailable` if none were loaded."""
    with sessions.reading() as session:
        present = _in_force(session.scalars(sa.select(RuleTable).order_by(RuleTable.position)).all())
        if not present:
            raise Unavailable("no-rule-tables")
        return ReferenceTables.from_texts({Kind(kind): row.content for kind, row in present.items()})


def listing(sessions: Sessions) -> list[LoadedTable]:
    """Every version that was ever loaded."""
    with sessions.reading() as session:
        rows = session.scalars(sa.select(RuleTable).order_by(RuleTable.position)).all()
        present = {row.id for row in _in_force(rows).values()}
        return [LoadedTable(row.kind, row.version, row.basis, row.digest, row.id in present) for row in rows]


def _in_force(rows: Iterable[RuleTable]) -> dict[str, RuleTable]:
    return {row.kind: row for row in rows}
