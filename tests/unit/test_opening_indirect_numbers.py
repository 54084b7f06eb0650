"""A PDF may keep a number in an object of its own, as office programs keep the length of a stream."""

from pathlib import Path

from ingest.opening import kinds
from ingest.opening.model import Limits

_PDF = b"""%PDF-1.4
1 0 obj
<</Type /Catalog /Pages 2 0 R>>
endobj
2 0 obj
<</Type /Pages /Kids [3 0 R] /Count 1>>
endobj
3 0 obj
<</Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Resources <<>> /Contents 4 0 R>>
endobj
4 0 obj
<</Length 5 0 R>>
stream
0 0 36 36 re f
endstream
endobj
5 0 obj
15
endobj
6 0 obj
true
endobj
"""


def a_pdf_with_numbers_of_their_own() -> bytes:
    places = [_PDF.index(b"%d 0 obj" % number) for number in range(1, 7)]
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 7\n0000000000 65535 f \n" + table
    return _PDF + head + b"trailer <</Size 7 /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(_PDF)


def test_a_pdf_with_indirect_numbers_is_sound(tmp_path: Path):
    path = tmp_path / "office.pdf"
    path.write_bytes(a_pdf_with_numbers_of_their_own())
    found = kinds.examine(path, path.name, Limits(), lambda: None)
    assert len(found.pages) == 1
