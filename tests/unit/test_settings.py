"""Settings: unknown keys, all faults at once, secrets."""

from pathlib import Path

import pytest

from archive_app.core.errors import InvalidInput
from archive_app.core.settings import Settings


def faults(environment: dict[str, str]) -> dict[str, object]:
    with pytest.raises(InvalidInput) as caught:
        Settings.from_env(environment)
    assert caught.value.code == "settings-invalid"
    return caught.value.parameters


def test_a_home_is_enough(tmp_path: Path) -> None:
    settings = Settings.from_env({"ARCHIVE_HOME": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/archive.db"
    assert settings.store_url == f"file://{tmp_path}/store"
    assert settings.time_zone == "Asia/Shanghai"


def test_a_key_we_do_not_know_is_a_fault() -> None:
    assert faults({"ARCHIVE_DATABASE_ULR": "x"}) == {"ARCHIVE_DATABASE_ULR": "unknown setting"}


def test_keys_of_others_are_not_ours(tmp_path: Path) -> None:
    Settings.from_env({"PATH": "/bin", "ARCHIVE_TOKEN": "arc_x", "ARCHIVE_HOME": str(tmp_path)})


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    found = faults(
        {
            "ARCHIVE_SOURCES": "x",
            "ARCHIVE_WORKERS": "two",
            "ARCHIVE_SECURE_COOKIES": "perhaps",
            "ARCHIVE_LIMIT_PAGES": "0",
            "ARCHIVE_TIME_ZONE": "Asia/Nowhere",
            "ARCHIVE_LANGUAGE": "fr",
            "ARCHIVE_OCR_ENGINE": "guess",
            "ARCHIVE_STORE_SECRET_KEY_FILE": str(tmp_path / "absent"),
        }
    )
    assert set(found) == {
        "ARCHIVE_SOURCES",
        "ARCHIVE_WORKERS",
        "ARCHIVE_SECURE_COOKIES",
        "ARCHIVE_LIMIT_PAGES",
        "ARCHIVE_TIME_ZONE",
        "ARCHIVE_LANGUAGE",
        "ARCHIVE_OCR_ENGINE",
        "ARCHIVE_STORE_SECRET_KEY_FILE",
    }


@pytest.mark.parametrize("key", ["WORKERS", "TRUSTED_PROXIES", "SESSION_IDLE_MINUTES", "LIMIT_BYTES"])
def test_a_negative_number_is_a_fault(key: str) -> None:
    assert set(faults({f"ARCHIVE_{key}": "-1"})) == {f"ARCHIVE_{key}"}


@pytest.mark.parametrize("zone", ["", "Asia", "../etc/passwd", "/etc/passwd"])
def test_what_is_no_zone_is_a_fault(zone: str) -> None:
    assert set(faults({"ARCHIVE_TIME_ZONE": zone})) == {"ARCHIVE_TIME_ZONE"}


@pytest.mark.parametrize("moment", ["", "2:30", "24:00", "02:60", "0230", "02:30:00", "night"])
def test_what_is_no_time_of_day_is_a_fault(moment: str) -> None:
    assert set(faults({"ARCHIVE_BACKUP_AT": moment})) == {"ARCHIVE_BACKUP_AT"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://a:s3cr3t@x:9200,https://b:s3cr3t@y:9200", "https://a:********@x:9200,https://b:********@y:9200"),
        ("https://a:s3c,r3t@x:9200,https://y:9200", "https://a:********@x:9200,https://y:9200"),
        ("https://a:s3@cr/3t@x:9200", "https://a:********@x:9200"),
        ("https://x:9200,https://y:9200", "https://x:9200,https://y:9200"),
        ("embedded:/srv/index", "embedded:/srv/index"),
    ],
)
def test_no_password_of_any_address_is_shown(tmp_path: Path, given: str, shown: str) -> None:
    settings = Settings.from_env({"ARCHIVE_INDEX_URL": given}, home=tmp_path)
    assert settings.shown()["ARCHIVE_INDEX_URL"]["value"] == shown


def test_a_password_among_the_parameters_is_masked_too(tmp_path: Path) -> None:
    url = "postgresql+psycopg:///archive?host=db&user=archive&password=s3cr3t&sslpassword=s3cr3t&sslmode=verify-full"
    shown = Settings.from_env({"ARCHIVE_DATABASE_URL": url}, home=tmp_path).shown()["ARCHIVE_DATABASE_URL"]["value"]
    assert shown == url.replace("s3cr3t", "********")


@pytest.mark.parametrize("prefix", ["", "Archive", "a_b", "-a", "a*", "a,b"])
def test_what_no_index_can_be_called_is_a_fault(prefix: str) -> None:
    assert set(faults({"ARCHIVE_INDEX_PREFIX": prefix})) == {"ARCHIVE_INDEX_PREFIX"}


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_secret_file_without_a_secret_is_a_fault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert set(faults({"ARCHIVE_STORE_SECRET_KEY_FILE": str(tmp_path / "secret")})) == {"ARCHIVE_STORE_SECRET_KEY_FILE"}


def test_a_secret_given_twice_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    given = {"ARCHIVE_STORE_SECRET_KEY": "s", "ARCHIVE_STORE_SECRET_KEY_FILE": str(tmp_path / "secret")}
    assert set(faults(given)) == {"ARCHIVE_STORE_SECRET_KEY_FILE"}


def test_secrets_come_from_files_and_are_masked(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cr3t-words\n", encoding="utf-8")
    settings = Settings.from_env(
        {
            "ARCHIVE_HOME": str(tmp_path),
            "ARCHIVE_STORE_SECRET_KEY_FILE": str(tmp_path / "secret"),
            "ARCHIVE_INDEX_API_KEY": "s3cr3t-key",
            "ARCHIVE_DATABASE_URL": "postgresql+psycopg://archive:s3cr3t@db:5432/archive",
        }
    )
    assert settings.store_secret_key == "s3cr3t-words"
    shown = settings.shown()
    assert "s3cr3t" not in str(shown)
    assert "s3cr3t" not in repr(settings)
    assert shown["ARCHIVE_STORE_SECRET_KEY"]["source"] == "ARCHIVE_STORE_SECRET_KEY_FILE"
    assert shown["ARCHIVE_DATABASE_URL"]["value"] == "postgresql+psycopg://archive:********@db:5432/archive"
    assert shown["ARCHIVE_WORKERS"] == {"value": 0, "source": "default"}


def test_an_address_that_holds_a_password_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql+psycopg://archive:geheim@db/archive\n", encoding="utf-8")
    settings = Settings.from_env({"ARCHIVE_HOME": str(tmp_path), "ARCHIVE_DATABASE_URL_FILE": str(file)})
    assert settings.database_url == "postgresql+psycopg://archive:geheim@db/archive"
    shown = settings.shown()["ARCHIVE_DATABASE_URL"]
    assert shown == {"value": "postgresql+psycopg://archive:********@db/archive", "source": "ARCHIVE_DATABASE_URL_FILE"}


def test_keys_may_stand_apart_from_the_home(tmp_path: Path) -> None:
    home = {"ARCHIVE_HOME": str(tmp_path)}
    assert Settings.from_env(home).keys == tmp_path / "keys"
    assert Settings.from_env(home | {"ARCHIVE_KEYS": str(tmp_path / "safe")}).keys == tmp_path / "safe"
