"""A new archive in a folder: keys, schema, rule tables, its first fonds, and at last the three administrators.

Until the administrators are there, it is no archive yet: an installation that was interrupted is simply run again.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa

from archive_app import database, rules
from archive_app.accounts import has_administrators, new_codes
from archive_app.core import audit
from archive_app.core.errors import Conflict, DuplicateCode, InvalidInput
from archive_app.core.model import Fonds
from archive_app.core.settings import Settings
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action
from archive_app.keys import create_keys
from archive_app.wiring import Archive

_FONDS = re.compile(r"[A-Z0-9]{1,16}")
_INSTALLING = UUID(int=0)  # the owner whose lock keeps two installations of one archive apart


@dataclass(frozen=True, slots=True)
class Installed:
    """What a new archive starts with: activation files, readable by their owner only."""

    home: Path
    fonds: str | None
    activation: dict[str, Path]


def install(
    settings: Settings, *, fonds: str | None = None, name: str | None = None, second_factor: bool = False
) -> Installed:
    """Make an archive, or finish making one. Raises `Conflict` where there is one; an existing folder is fine."""
    if fonds is not None:
        check_fonds(fonds, name)
    home = settings.home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    archive = Archive(settings)
    try:
        with archive.locks.holding(_INSTALLING):
            if _is_there(archive):
                raise Conflict("archive-exists", home=str(home))
            create_keys(settings.keys)
            archive.upgrade_database()
            rules.load_bundled(archive.sessions, archive.clock)
            if fonds is not None:
                _first_fonds(archive, fonds, name or fonds)
            # The files come before the accounts they open: a code that is in force is never a lost one.
            codes = new_codes()
            files = {login: write_code(home, login, code) for login, code in codes.items()}
            archive.accounts.add_administrators(codes, second_factor=second_factor)
            return Installed(home, fonds, files)
    finally:
        archive.close()


def _is_there(archive: Archive) -> bool:
    # As the owner: an installation that was interrupted may have granted nothing yet.
    owner = archive.owner_engine
    return database.current(owner) is not None and has_administrators(database.make_sessions(owner))


def write_code(home: Path, login: str, code: str) -> Path:
    """Put a single-use activation code where only the owner of the archive's files reads it."""
    folder = home / "activation"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{login}.code"
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(code + "\n", encoding="utf-8")
    return path.resolve()


def check_fonds(code: str, name: str | None) -> None:
    """Raises `InvalidInput` for a code that is not 1 to 16 of A–Z and 0–9, or a name that is missing."""
    if not _FONDS.fullmatch(code):
        raise InvalidInput(fonds="1 to 16 of A-Z and 0-9")
    if not (name or "").strip():
        raise InvalidInput(name="missing")


def _first_fonds(archive: Archive, code: str, name: str) -> None:
    """The installation has no viewer yet: the first fonds comes with it, by the tables' owner, and the log says so."""
    now = archive.clock.now()
    with database.make_sessions(archive.owner_engine).writing() as session:
        if session.scalar(sa.select(sa.func.count()).select_from(Fonds).where(Fonds.code == code)):
            return  # an installation that was interrupted got so far
        row = Fonds(id=uuid4(), code=code, name=name, created_at=now)
        session.add(row)
        session.flush()
        entry = audit.Entry("installation", "fonds:added", "fonds", str(row.id), values={"code": code, "name": name})
        audit.append(session, [entry], now=now)
        session.commit()


def add_fonds(unit: Unit, *, code: str, name: str, agency: str | None = None) -> Fonds:
    """Add a fonds (system administrator). Raises `DuplicateCode`."""
    check_fonds(code, name)
    unit.require(Action.FONDS_ADD)
    if unit.first(sa.select(Fonds).where(Fonds.code == code)) is not None:
        raise DuplicateCode(fonds=code)
    row = Fonds(id=uuid4(), code=code, name=name.strip(), agency=agency, created_at=unit.clock.now())
    unit.add(Action.FONDS_ADD, row)
    unit.note("fonds:added", "fonds", row.id, code=code, name=name)
    return row
