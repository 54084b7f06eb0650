"""Sealed files: what comes out is what went in, or an error that names the file."""

import itertools

import pytest

from archive_app.backup.cipher import KeySealer, PlainSealer, phrase_key, raw_key
from archive_app.core.errors import FixityMismatch

KEY = bytes(range(32))
CHUNK = 1 << 20
HEAD = 40  # mark and salt
NAME = "objects/ab/abcd"


def sealed(content: bytes, *, name: str = NAME, key: bytes = KEY, piece: int = 100_000) -> bytes:
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    return b"".join(KeySealer(key).seal(name, pieces))


def unsealed(content: bytes, *, name: str = NAME, key: bytes = KEY, piece: int = 77_777) -> bytes:
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    return b"".join(KeySealer(key).unseal(name, pieces))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_content_of_any_size_comes_back(size: int):
    content = bytes(itertools.islice(itertools.cycle(range(251)), size))
    assert unsealed(sealed(content)) == content


def test_equal_content_is_sealed_differently_and_shows_nothing():
    content = b"a name that must not be read " * 10
    assert sealed(content) != sealed(content)
    assert b"name" not in sealed(content)


@pytest.mark.parametrize("place", [0, 8, HEAD - 1, HEAD, HEAD + 500, HEAD + CHUNK + 16, -1])
def test_one_flipped_bit_anywhere_is_found(place: int):
    damaged = bytearray(sealed(bytes(CHUNK + 1000)))
    damaged[place] ^= 1
    with pytest.raises(FixityMismatch, match="backup-damaged"):
        unsealed(bytes(damaged))


@pytest.mark.parametrize("left", [0, 7, HEAD, HEAD + 16, HEAD + CHUNK + 16, HEAD + CHUNK + 20])
def test_a_file_that_was_cut_is_found(left: int):
    with pytest.raises(FixityMismatch):
        unsealed(sealed(bytes(2 * CHUNK))[:left])


def test_pieces_in_another_order_are_found():
    whole = sealed(bytes(CHUNK) + bytes([1]) * CHUNK + b"end")
    first, second = HEAD + CHUNK + 16, HEAD + 2 * (CHUNK + 16)
    one, two, rest = whole[HEAD:first], whole[first:second], whole[second:]
    assert unsealed(whole[:HEAD] + one + two + rest)[-3:] == b"end"
    with pytest.raises(FixityMismatch):
        unsealed(whole[:HEAD] + two + one + rest)


def test_a_file_under_another_name_or_key_is_found():
    with pytest.raises(FixityMismatch):
        unsealed(sealed(b"x"), name="objects/ab/other")
    with pytest.raises(FixityMismatch):
        unsealed(sealed(b"x"), key=bytes(32))


def test_names_are_the_same_for_one_key_and_tell_no_digest():
    digest = "a" * 64
    assert KeySealer(KEY).name(digest) == KeySealer(KEY).name(digest)
    assert KeySealer(KEY).name(digest) not in (digest, KeySealer(bytes(32)).name(digest))
    assert PlainSealer().name(digest) == digest


@pytest.mark.parametrize("secret", ["ab" * 32, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="])
def test_a_key_of_32_bytes_is_taken_as_it_is(secret: str):
    assert len(raw_key(secret) or b"") == 32


@pytest.mark.parametrize("secret", ["correct horse battery staple", "ab" * 31, "四个字的口令"])
def test_a_pass_phrase_is_stretched_with_its_salt(secret: str):
    assert raw_key(secret) is None
    assert phrase_key(secret, b"a" * 32) == phrase_key(secret, b"a" * 32) != phrase_key(secret, b"b" * 32)
