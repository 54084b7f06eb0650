"""What every backup place promises: files whole or not at all, errors in our words."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import services
from dumps import silent, tables_of
from houses import a_batch, a_home, a_house, receive, samples
from minio import Minio

from archive_app.backup.folder_place import FolderPlace
from archive_app.backup.places import BackupPlace, place_of
from archive_app.backup.restore import restore
from archive_app.backup.run import run
from archive_app.backup.vault import open_vault
from archive_app.backup.verify import verify
from archive_app.core.errors import ContentMissing, FixityMismatch, Unavailable
from archive_app.core.settings import Settings
from archive_app.wiring import opened


def on_server(server: services.S3Server, folder: Path) -> BackupPlace:
    return place_of(settings_of(server, folder))


def settings_of(server: services.S3Server, home: Path) -> Settings:
    """Settings whose backup goes into a new bucket of the server."""
    address = server.endpoint.partition("://")[2]
    bucket = f"backup-{uuid4().hex[:12]}"
    secure = server.endpoint.startswith("https")
    client = Minio(address, access_key=server.access_key, secret_key=server.secret_key, secure=secure)
    client.make_bucket(bucket)
    scheme = "s3+https" if secure else "s3+http"
    return Settings.from_env(
        {
            "ARCHIVE_BACKUP_URL": f"{scheme}://{address}/{bucket}/some/prefix",
            "ARCHIVE_BACKUP_ACCESS_KEY": server.access_key,
            "ARCHIVE_BACKUP_SECRET_KEY": server.secret_key,
        },
        home=home,
    )


PLACES: dict[str, Callable[[Path], BackupPlace]] = {
    "folder": lambda folder: FolderPlace(folder / "place"),
    "minio": lambda folder: on_server(services.minio(), folder),
    "versitygw": lambda folder: on_server(services.versitygw(), folder),
}


@pytest.fixture(
    params=[
        "folder",
        pytest.param("minio", marks=pytest.mark.services),
        pytest.param("versitygw", marks=pytest.mark.services),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> BackupPlace:
    made = PLACES[request.param](tmp_path)
    made.put("header.json", [b"{}"])
    return made


def whole(place: BackupPlace, name: str) -> bytes:
    return b"".join(place.get(name))


@pytest.mark.parametrize("pieces", [[], [b""], [b"one"], [b"one", b"", b"two"]])
def test_what_was_put_is_what_is_got(place: BackupPlace, pieces: list[bytes]):
    assert place.put("objects/ab/abcd", pieces) == len(b"".join(pieces))
    assert whole(place, "objects/ab/abcd") == b"".join(pieces)
    assert place.size("objects/ab/abcd") == len(b"".join(pieces))


def test_a_file_of_many_pieces_is_sent_without_being_held(place: BackupPlace):
    piece, times = bytes(range(256)) * 4096, 40  # 40 MiB: more than one part of an upload
    assert place.put("objects/cd/large", (piece for _ in range(times))) == len(piece) * times
    digest = hashlib.sha256()
    for got in place.get("objects/cd/large"):
        assert len(got) <= 1 << 20
        digest.update(got)
    assert digest.digest() == hashlib.sha256(piece * times).digest()


def test_a_file_whose_pieces_fail_is_not_there_and_the_fault_passes_unchanged(place: BackupPlace):
    def pieces() -> Iterator[bytes]:
        yield b"the beginning"
        raise FixityMismatch("backup-damaged", name="some")

    with pytest.raises(FixityMismatch, match="backup-damaged"):
        place.put("objects/ab/half", pieces())
    assert place.size("objects/ab/half") is None
    assert list(place.list("objects")) == []


def test_putting_again_replaces(place: BackupPlace):
    place.put("drafts/one.json", [b"before"])
    place.put("drafts/one.json", [b"after"])
    assert whole(place, "drafts/one.json") == b"after"


def test_what_is_not_there_is_missing_in_our_words(place: BackupPlace):
    assert place.size("objects/ab/none") is None
    with pytest.raises(ContentMissing, match="backup-missing"):
        whole(place, "objects/ab/none")
    place.remove("objects/ab/none")


def test_files_are_listed_below_a_folder_by_their_whole_names(place: BackupPlace):
    names = {"objects/ab/one", "objects/cd/two", "objects2/three"}
    for name in names:
        place.put(name, [b"x"])
    assert set(place.list("objects")) == {"objects/ab/one", "objects/cd/two"}
    place.remove("objects/ab/one")
    assert set(place.list("objects")) == {"objects/cd/two"}
    assert list(place.list("nothing")) == []


@pytest.mark.services
@pytest.mark.parametrize("server", [services.minio, services.versitygw], ids=["minio", "versitygw"])
def test_a_backup_in_a_bucket_is_read_back_and_restored(server: Callable[[], services.S3Server], tmp_path: Path):
    home = a_home(tmp_path)
    with a_house(tmp_path, home=home) as archive:
        archive.settings = replace(settings_of(server(), home), backup_key="ab" * 32)
        receive(archive, a_batch(archive), *samples("0001", "0002", "0031"))
        made, before = run(archive), tables_of(archive.settings)
        assert run(archive).copied == 0
        settings = archive.settings
    vault = open_vault(place_of(settings), settings.backup_key)
    assert verify(vault, made.snapshot, signer=None, progress=silent).faults == ()
    new = Settings.from_env({}, home=tmp_path / "new")
    target = replace(
        new, backup_url=settings.backup_url, backup_key=settings.backup_key,
        backup_access_key=settings.backup_access_key, backup_secret_key=settings.backup_secret_key,
    )  # fmt: skip
    assert restore(target, snapshot=None, progress=silent).objects == made.objects
    with opened(target) as archive:
        assert tables_of(archive.settings) == before


def test_a_place_that_went_is_not_made_anew(tmp_path: Path):
    place = FolderPlace(tmp_path / "disk")
    with pytest.raises(Unavailable, match="backup-place-lost"):
        place.put("objects/ab/one", [b"x"])
    assert not (tmp_path / "disk").exists()


def test_files_of_a_folder_are_for_their_owner_only(tmp_path: Path):
    place = FolderPlace(tmp_path / "disk")
    place.put("header.json", [b"{}"])
    place.put("objects/ab/one", [b"x"])
    for path in (tmp_path / "disk").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_what_a_killed_run_left_is_swept(tmp_path: Path):
    place = FolderPlace(tmp_path / "disk")
    place.put("header.json", [b"{}"])
    (tmp_path / "disk" / ".drafts" / "left").write_bytes(b"half")
    place.sweep()
    assert list((tmp_path / "disk" / ".drafts").iterdir()) == []
