"""The machine an archive runs on: its clock, its disks, its keys, and the programs beside it."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa

from archive_app import privileges
from archive_app.backup.source import reading_engine
from archive_app.core.model import AuditLeaf
from archive_app.core.settings import environment
from archive_app.health.part import Advice, Part, State
from archive_app.wiring import Archive

_APART_SECONDS = 5
_BACK_SECONDS = 60
_FULL_BYTES, _LOW_BYTES = 200 << 20, 2 << 30
_SHARED_MEMORY_BYTES = 512 << 20  # two of the largest pages in their pixels
_OTHERS = 0o077
_ASK_SECONDS = 10


def clock(archive: Archive) -> Part:
    """It agrees with the database's, and did not go back behind what is written down."""
    now = archive.clock.now()
    with archive.sessions.reading() as session:
        newest = session.scalar(sa.select(AuditLeaf.at).order_by(AuditLeaf.sequence.desc()).limit(1))
    if newest is not None and (newest - now).total_seconds() > _BACK_SECONDS:
        facts: dict[str, object] = {"back-seconds": round((newest - now).total_seconds())}
        return Part("clock", State.DEGRADED, facts, Advice.CLOCK_BACK)
    facts = {"zone": archive.settings.time_zone}
    if archive.engine.dialect.name == "postgresql":
        with archive.engine.connect() as connection:
            there: dt.datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        apart = abs((archive.clock.now() - there).total_seconds())
        facts["apart-seconds"] = round(apart, 1)
        if apart > _APART_SECONDS:
            return Part("clock", State.DEGRADED, facts, Advice.CLOCK_APART)
    return Part("clock", facts=facts)


def disk(archive: Archive) -> Part:
    """There is room where the archive writes."""
    facts: dict[str, object] = {}
    least = None
    for name, folder in _folders(archive).items():
        free = shutil.disk_usage(folder).free
        facts[name] = free
        least = free if least is None else min(least, free)
    if least is not None and least < _FULL_BYTES:
        return Part("disk", State.DOWN, facts, Advice.DISK_FULL)
    if least is not None and least < _LOW_BYTES:
        return Part("disk", State.DEGRADED, facts, Advice.DISK_LOW)
    return Part("disk", facts=facts)


def _folders(archive: Archive) -> dict[str, Path]:
    folders = {"home-free": archive.settings.home}
    scheme, _, place = archive.settings.store_url.partition("://")
    if scheme == "file" and Path(place).is_dir():
        folders["store-free"] = Path(place)
    return folders


def keys(archive: Archive) -> Part:
    """The archive's keys are there, and readable by their owner only."""
    files = archive.keys
    paths = [files.signing, files.hashing, files.session]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        return Part("keys", State.DOWN, {"missing": ", ".join(missing)}, Advice.KEYS_MISSING)
    secret = [*paths, paths[0].parent, *_secret_files()]
    readable = [path.name for path in secret if path.stat().st_mode & _OTHERS]
    if readable:
        return Part("keys", State.DEGRADED, {"readable": ", ".join(readable)}, Advice.SECRETS_OPEN)
    return Part("keys", facts={"key": archive.signer.key_id[:24]})


def _secret_files() -> list[Path]:
    given = [path for name, path in environment().items() if name.startswith("ARCHIVE_") and name.endswith("_FILE")]
    return [Path(path) for path in given]


def backup_reader(archive: Archive) -> Part:
    """The role that backups read as sees every row of every table, and writes none."""
    if archive.settings.database_backup_url is None:
        return Part("backup-reader", State.OFF)
    engine = reading_engine(archive.settings)
    try:
        fault = privileges.reader_fault(engine)
    finally:
        engine.dispose()
    if fault is None:
        return Part("backup-reader")
    if fault == "writes":
        return Part("backup-reader", State.DEGRADED, advice=Advice.READER_WRITES)
    return Part("backup-reader", State.DOWN, advice=Advice.READER_BLIND)


def shared_memory(archive: Archive) -> Part:
    """Pages are opened in memory: there is room for the largest."""
    del archive
    memory = Path("/dev/shm")  # noqa: S108 - where decoding children leave pixels
    if not memory.is_dir():
        return Part("shared-memory", State.OFF)
    facts = {"free": shutil.disk_usage(memory).free}
    if facts["free"] < _SHARED_MEMORY_BYTES:
        return Part("shared-memory", State.DEGRADED, facts, Advice.SHARED_MEMORY_LOW)
    return Part("shared-memory", facts=facts)


def readers(archive: Archive) -> Part:
    """Tesseract with Chinese is there, where it is asked for or as the second opinion."""
    program = shutil.which("tesseract")
    languages = _said(program, "--list-langs").split() if program else []
    facts = {"engine": archive.settings.ocr_engine, "tesseract": "chi_sim" in languages}
    if not facts["tesseract"]:
        state = State.DOWN if archive.settings.ocr_engine == "tesseract" else State.OFF
        return Part("readers", state, facts, Advice.READER_MISSING)
    return Part("readers", facts=facts)


def _said(program: str, *words: str) -> str:
    return subprocess.run(  # noqa: S603 - a program of ours with words of ours
        [program, *words], text=True, capture_output=True, check=False, timeout=_ASK_SECONDS
    ).stdout


def converter(archive: Archive) -> Part:
    """LibreOffice makes viewing copies of office files."""
    del archive
    program = shutil.which("soffice") or shutil.which("libreoffice")
    return Part("converter") if program else Part("converter", State.OFF, advice=Advice.CONVERTER_MISSING)


def door(archive: Archive) -> Part:
    """Behind TLS, cookies say so."""
    settings = archive.settings
    facts = {
        "secure-cookies": settings.secure_cookies,
        "proxies": settings.trusted_proxies,
        "metrics": bool(settings.metrics_token),
    }
    if settings.trusted_proxies and not settings.secure_cookies:
        return Part("door", State.DEGRADED, facts, Advice.COOKIES_OPEN)
    return Part("door", facts=facts)
