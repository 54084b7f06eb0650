"""Every `Signer` and `NumberHasher` keeps its promises."""

from dataclasses import replace
from pathlib import Path

import pytest

from archive_app.core.ports import NumberHasher, Signer
from archive_app.keys import FileSigner, KeyedHasher, create_keys

MESSAGE = b"tree head of size 7"


@pytest.fixture(params=["file"])
def signer(tmp_path: Path) -> Signer:
    return FileSigner(create_keys(tmp_path / "ours").signing)


@pytest.fixture
def stranger(tmp_path: Path) -> Signer:
    return FileSigner(create_keys(tmp_path / "theirs").signing)


@pytest.fixture(params=["file"])
def hasher(tmp_path: Path) -> NumberHasher:
    return KeyedHasher(create_keys(tmp_path / "ours").hashing)


class TestSigner:
    def test_a_signature_verifies(self, signer: Signer):
        assert signer.verify(MESSAGE, signer.sign(MESSAGE))

    def test_a_signature_carries_its_algorithm_and_the_id_of_its_key(self, signer: Signer):
        signature = signer.sign(MESSAGE)
        assert signature.key_id == signer.key_id
        assert signature.key_id.startswith(f"{signature.algorithm}:")

    def test_another_message_does_not_verify(self, signer: Signer):
        assert not signer.verify(MESSAGE + b" ", signer.sign(MESSAGE))

    @pytest.mark.parametrize("bit", [0, 7, 100, 511])
    def test_a_signature_with_one_bit_turned_does_not_verify(self, signer: Signer, bit: int):
        signature = signer.sign(MESSAGE)
        value = bytearray(signature.value)
        value[bit // 8] ^= 1 << bit % 8
        assert not signer.verify(MESSAGE, replace(signature, value=bytes(value)))

    @pytest.mark.parametrize("value", [b"", b"\0" * 64, b"x" * 65])
    def test_bytes_that_are_no_signature_do_not_verify(self, signer: Signer, value: bytes):
        assert not signer.verify(MESSAGE, replace(signer.sign(MESSAGE), value=value))

    def test_a_strangers_signature_does_not_verify_even_under_our_name(self, signer: Signer, stranger: Signer):
        signature = stranger.sign(MESSAGE)
        assert stranger.key_id != signer.key_id
        assert not signer.verify(MESSAGE, signature)
        assert not signer.verify(MESSAGE, replace(signature, key_id=signer.key_id))

    def test_our_signature_under_another_algorithms_name_does_not_verify(self, signer: Signer):
        assert not signer.verify(MESSAGE, replace(signer.sign(MESSAGE), algorithm="sm2"))


class TestNumberHasher:
    def test_the_same_number_gives_the_same_64_hex_digits(self, hasher: NumberHasher):
        first = hasher.hash("citizen-number", "11010519491231002X")
        assert first == hasher.hash("citizen-number", "11010519491231002X")
        assert len(first) == 64
        assert first == first.lower()
        assert int(first, 16) >= 0

    def test_other_numbers_and_other_kinds_give_other_hashes(self, hasher: NumberHasher):
        asked = [("phone", "12"), ("phone", "13"), ("card", "12"), ("phone1", "2"), ("phon", "e12"), ("", "phone12")]
        assert len({hasher.hash(kind, number) for kind, number in asked}) == len(asked)

    def test_another_archive_gives_another_hash(self, hasher: NumberHasher, tmp_path: Path):
        other = KeyedHasher(create_keys(tmp_path / "theirs").hashing)
        assert other.hash("phone", "12") != hasher.hash("phone", "12")
