"""Key files are made once, whole, for their owner only."""

import hashlib
import hmac
from multiprocessing import get_context
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from archive_app.core.errors import Unavailable
from archive_app.keys import FileSigner, KeyedHasher, KeyFiles, create_keys, fingerprint, read_secret


def the_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_keys_are_readable_by_their_owner_only(tmp_path: Path):
    folder = tmp_path / "home" / "keys"
    create_keys(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_folder_open_to_others_is_closed(tmp_path: Path):
    tmp_path.chmod(0o755)
    create_keys(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_creating_again_changes_no_byte(tmp_path: Path):
    create_keys(tmp_path)
    before = the_files(tmp_path)
    create_keys(tmp_path)
    assert the_files(tmp_path) == before
    assert len(before) == 3


def test_a_missing_key_is_made_beside_the_present_ones(tmp_path: Path):
    files = create_keys(tmp_path)
    signer = FileSigner(files.signing)
    files.session.unlink()
    create_keys(tmp_path)
    assert len(read_secret(files.session)) == 32
    assert FileSigner(files.signing).key_id == signer.key_id


def test_processes_that_come_at_once_agree_on_the_keys(tmp_path: Path):
    processes = [get_context("fork").Process(target=create_keys, args=(tmp_path,)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    files = KeyFiles.of(tmp_path)
    assert set(the_files(tmp_path)) == {files.signing.name, files.hashing.name, files.session.name}


def test_the_secrets_differ_from_each_other_and_between_archives(tmp_path: Path):
    ours, theirs = create_keys(tmp_path / "a"), create_keys(tmp_path / "b")
    assert len({read_secret(path) for path in (ours.hashing, ours.session, theirs.hashing, theirs.session)}) == 4


def test_the_key_id_is_the_digest_of_the_public_key(tmp_path: Path):
    signer = FileSigner(create_keys(tmp_path).signing)
    assert signer.key_id == "ed25519:" + hashlib.sha256(signer.public_key).hexdigest()
    assert signer.key_id == fingerprint(signer.public_key)


def test_the_hash_is_hmac_sha256_over_kind_and_number(tmp_path: Path):
    files = create_keys(tmp_path)
    expected = hmac.new(read_secret(files.hashing), b"\x00\x05phone" + b"123", "sha256").hexdigest()
    assert KeyedHasher(files.hashing).hash("phone", "123") == expected


@pytest.mark.parametrize("open_key", [FileSigner, KeyedHasher, read_secret])
@pytest.mark.parametrize("content", [b"", b"00", b"not a key", b"\xff\xfe"])
def test_a_damaged_key_is_refused(tmp_path: Path, open_key: type[FileSigner], content: bytes):
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Unavailable, match="key-damaged"):
        open_key(path)


def test_a_key_of_another_algorithm_is_refused(tmp_path: Path):
    path = tmp_path / "key"
    path.write_bytes(
        generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)
    with pytest.raises(Unavailable, match="key-damaged"):
        FileSigner(path)


@pytest.mark.parametrize("open_key", [FileSigner, KeyedHasher, read_secret])
def test_a_missing_key_is_named_and_not_made(tmp_path: Path, open_key: type[FileSigner]):
    with pytest.raises(Unavailable, match=r"key-missing.*signing\.pem"):
        open_key(tmp_path / "signing.pem")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int):
    files = create_keys(tmp_path)
    for path, open_key in ((files.signing, FileSigner), (files.hashing, KeyedHasher), (files.session, read_secret)):
        path.chmod(mode)
        with pytest.raises(Unavailable, match="key-readable-by-others"):
            open_key(path)
