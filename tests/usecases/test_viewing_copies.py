"""Viewing copies of documents without pages: pages are given from a copy that says everything, from no other."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docx
import pikepdf
import pytest
import sqlalchemy as sa
from papers import a_reading_archive, an_archivist, taken_in
from pikepdf import Dictionary, Name, Stream

from archive_app.core.model import Component, IntakeFile, Page
from archive_app.core.vocabulary import ComponentKind, RecordId
from archive_app.wiring import Archive
from ingest.opening import sniff
from ingest.opening.model import Examination, Limits
from ingest.opening.opener import Opener
from ingest.viewing_copies import CUT, NONE

SAID = ("Settlement 2024-001", "Total 345.67")


def a_document() -> io.BytesIO:
    document = docx.Document()
    for line in SAID:
        document.add_paragraph(line)
    out = io.BytesIO()
    document.save(out)
    out.seek(0)
    return out


def a_pdf(*pages: str) -> bytes:
    """A page for each text."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
        for text in pages:
            page = document.add_blank_page(page_size=(200, 100))
            page.Resources = Dictionary(Font=Dictionary(F1=font))
            page.Contents = Stream(document, f"BT /F1 12 Tf 10 50 Td ({text}) Tj ET".encode())
        document.save(out)
    return out.getvalue()


class Copier(Opener):
    """An opener that makes this copy of every document; None: it can make none."""

    def __init__(self, copy: bytes | None, *, scratch: Path) -> None:
        super().__init__(Limits(), scratch=scratch)
        self._copy = copy

    def examine(self, path: Path, *, name: str) -> Examination:
        found = super().examine(path, name=name)
        return replace(found, notes=tuple(note for note in found.notes if note != NONE))

    def rendition(self, path: Path, media_type: str, target: Path) -> str | None:
        assert path.is_file()
        if self._copy is None or media_type != sniff.DOCX:
            return None
        target.write_bytes(self._copy)
        return sniff.PDF


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = a_reading_archive(tmp_path)
    yield opened
    opened.close()


def taken(archive: Archive, tmp_path: Path, copy: bytes | None) -> RecordId:
    with Copier(copy, scratch=tmp_path / "scratch") as opener:
        archive.__dict__["workshop"] = replace(archive.workshop, opener=lambda: opener)
        (record,) = taken_in(archive, an_archivist(archive), [("statement.docx", a_document())])
    return record


def components(archive: Archive, record: RecordId) -> dict[ComponentKind, Component]:
    with archive.reading(an_archivist(archive)) as unit:
        return {one.kind: one for one in unit.all(sa.select(Component).where(Component.record_id == record))}


def pages(archive: Archive, record: RecordId) -> list[Page]:
    with archive.reading(an_archivist(archive)) as unit:
        return list(unit.all(sa.select(Page).where(Page.record_id == record).order_by(Page.number)))


def test_pages_are_given_from_a_copy_that_says_everything(archive: Archive, tmp_path: Path):
    record = taken(archive, tmp_path, a_pdf(*SAID))
    found = components(archive, record)
    assert set(found) == {ComponentKind.MASTER, ComponentKind.RENDITION, ComponentKind.VIEW}
    assert found[ComponentKind.RENDITION].derived_from["sha256"] == found[ComponentKind.MASTER].sha256
    shown = pages(archive, record)
    assert [page.text for page in shown] == list(SAID)
    assert {page.text_source for page in shown} == {"document"}
    assert {page.component_id for page in shown} == {found[ComponentKind.MASTER].id}
    with archive.reading(an_archivist(archive)) as unit:
        assert [row[0] for row in unit.rows(sa.select(IntakeFile.pages))] == [2]


def test_a_copy_that_was_cut_is_kept_beside_the_documents_own_text(archive: Archive, tmp_path: Path):
    record = taken(archive, tmp_path, a_pdf("Settlement 2024-0"))
    found = components(archive, record)
    assert CUT in found[ComponentKind.MASTER].notes
    assert ComponentKind.RENDITION in found
    (page,) = pages(archive, record)
    assert not page.has_picture
    assert "Total 345.67" in (page.text or "")


@pytest.mark.parametrize("copy", [None, b"%PDF-1.7 broken"])
def test_without_a_copy_the_record_says_so_and_is_read_all_the_same(
    archive: Archive, tmp_path: Path, copy: bytes | None
):
    record = taken(archive, tmp_path, copy)
    found = components(archive, record)
    assert set(found) == {ComponentKind.MASTER}
    assert NONE in found[ComponentKind.MASTER].notes
    assert "Total 345.67" in (pages(archive, record)[0].text or "")
