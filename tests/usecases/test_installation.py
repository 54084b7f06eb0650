"""A new archive: an installation that was interrupted anywhere is run again and ends as if it never had been."""

from pathlib import Path

import databases
import pytest
import sqlalchemy as sa

from archive_app import database, installation, rules, schema
from archive_app.accounts import Accounts
from archive_app.core.errors import Conflict, InvalidInput
from archive_app.core.model import AuditLeaf, AuditValue, User
from archive_app.core.reference import Kind, bundled
from archive_app.installation import install
from archive_app.wiring import Archive

PASSWORD = "Qing-He-2026"


class PulledPlugError(Exception):
    """The machine stopped."""


def _broken_before(owner: object, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise PulledPlugError

    monkeypatch.setattr(owner, name, stop)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (installation, "create_keys"),
        (schema, "upgrade"),
        (rules, "load_bundled"),
        (installation, "_first_fonds"),
        (installation, "write_code"),
        (Accounts, "add_administrators"),
    ],
)
def test_an_interrupted_installation_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    settings = databases.new_home(tmp_path / "home")
    with monkeypatch.context() as once:
        _broken_before(owner, name, once)
        with pytest.raises(PulledPlugError):
            install(settings, fonds="J001", name="城东医保中心")
    made = install(settings, fonds="J001", name="城东医保中心")
    archive = Archive(settings)
    try:
        for login, path in made.activation.items():
            archive.accounts.activate(login, code=path.read_text(encoding="utf-8"), password=PASSWORD)
            assert archive.accounts.sign_in(login, PASSWORD)
        with archive.sessions.reading() as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(User)) == 3
        assert archive.own_work("check").fonds_codes == {"J001"}
    finally:
        archive.close()


def test_a_schema_that_was_half_made_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = databases.new_home(tmp_path / "home")
    name = "make_lone_engine" if settings.database_owner_url else "make_engine"
    made = getattr(database, name)

    def stopping(url: str, **pool: int) -> sa.Engine:
        engine: sa.Engine = made(url, **pool)

        def stop(_c: object, _k: object, statement: str, *_: object) -> None:
            if statement.strip().startswith("CREATE TABLE record "):
                raise PulledPlugError

        sa.event.listen(engine, "before_cursor_execute", stop)
        return engine

    with monkeypatch.context() as once:
        once.setattr(database, name, stopping)
        with pytest.raises(PulledPlugError):
            install(settings)
    assert set(install(settings).activation) == {"system", "security", "audit"}


def test_an_archive_is_not_installed_over(tmp_path: Path) -> None:
    settings = databases.new_home(tmp_path / "home")
    files = install(settings).activation
    codes = {login: path.read_bytes() for login, path in files.items()}
    with pytest.raises(Conflict):
        install(settings)
    assert {login: path.read_bytes() for login, path in files.items()} == codes


def test_a_rule_table_with_a_template_that_numbers_two_records_alike_is_not_loaded(tmp_path: Path) -> None:
    settings = databases.new_home(tmp_path / "home")
    install(settings)
    text = bundled()[Kind.NUMBER_PATTERNS]
    wrong = text.replace('version = "', 'version = "next-', 1).replace(
        "-ZY·{class}·{year}·{ret}-{item:05d}", "-ZY·{item}"
    )
    archive = Archive(settings)
    try:
        before = rules.listing(archive.sessions)
        with pytest.raises(InvalidInput) as refused:
            rules.load(archive.sessions, archive.clock, {Kind.NUMBER_PATTERNS: wrong}, actor="installation")
        assert set(refused.value.parameters) == {"number_patterns[item].template"}
        assert rules.listing(archive.sessions) == before
    finally:
        archive.close()


def test_a_rule_table_of_the_longest_version_is_loaded_and_its_version_written_down(tmp_path: Path) -> None:
    settings = databases.new_home(tmp_path / "home")
    install(settings)
    version = "v" * 40  # as long as the column takes
    text = bundled()[Kind.DOCUMENT_TYPES]
    longest = text.replace(text.split('version = "', 1)[1].split('"', 1)[0], version, 1)
    archive = Archive(settings)
    try:
        assert rules.load(archive.sessions, archive.clock, {Kind.DOCUMENT_TYPES: longest}, actor="installation")
        with archive.sessions.reading() as session:
            leaf = session.scalars(sa.select(AuditLeaf).order_by(AuditLeaf.sequence.desc()).limit(1)).one()
            assert leaf.subject_id == str(Kind.DOCUMENT_TYPES)
            written = sa.select(AuditValue.value).where(AuditValue.sequence == leaf.sequence)
            assert f'"{version}"' in session.scalars(written).all()
    finally:
        archive.close()
