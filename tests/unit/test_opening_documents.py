"""Words that stand in a file itself: text layers of PDF, OFD, receipts, DOCX and XLSX, each with its page and place."""

import io
import zipfile
from pathlib import Path

import docx
import numpy as np
import openpyxl
import pikepdf
import pytest
from pikepdf import Dictionary, Name, Stream
from PIL import Image

from ingest import reasons
from ingest.opening import kinds, sniff
from ingest.opening.model import Limits
from ingest.opening.samples import Samples

LIMITS = Limits()


def where_dark(picture: Samples) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is darker than half."""
    rows, columns = np.nonzero(picture.max(axis=2) < 128)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def words(path: Path, media_type: str, number: int) -> list[str]:
    text = kinds.page(path, media_type, number, LIMITS).text
    assert text is not None
    return [line.text for line in text]


def written_pdf(path: Path, content: bytes, *, rotate: int = 0) -> None:
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(300, 400))
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.Resources = Dictionary(Font=Dictionary(F1=font))
        page.Contents = Stream(document, content)
        page.Rotate = rotate
        document.save(path)


def test_the_text_of_a_pdf_stands_where_it_is_drawn(tmp_path: Path):
    path = tmp_path / "a.pdf"
    written_pdf(path, b"BT /F1 24 Tf 72 328 Td (Receipt) Tj ET")
    content = kinds.page(path, sniff.PDF, 1, LIMITS)
    assert content.text is not None
    assert content.picture is not None
    (line,) = content.text
    assert line.text == "Receipt"
    x, y, width, height = line.box
    dark = where_dark(content.picture)
    assert abs(x - dark[0]) < 12
    assert abs(y - dark[1]) < 12
    assert abs(x + width - dark[2]) < 12
    assert abs(y + height - dark[3]) < 30


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_the_places_turn_with_the_page(rotate: int, tmp_path: Path):
    path = tmp_path / "a.pdf"
    written_pdf(path, b"BT /F1 24 Tf 72 328 Td (Receipt) Tj ET", rotate=rotate)
    content = kinds.page(path, sniff.PDF, 1, LIMITS)
    assert content.text is not None
    assert content.picture is not None
    assert content.picture.shape[:2] == ((1250, 1667) if rotate % 180 else (1667, 1250))
    x, y, width, height = content.text[0].box
    dark = where_dark(content.picture)
    assert abs(x + width / 2 - (dark[0] + dark[2]) / 2) < 30
    assert abs(y + height / 2 - (dark[1] + dark[3]) / 2) < 30


def test_words_far_apart_on_a_row_are_lines_of_their_own(tmp_path: Path):
    path = tmp_path / "a.pdf"
    written_pdf(path, b"BT /F1 12 Tf 20 300 Td (Name) Tj 200 0 Td (Total) Tj ET")
    assert words(path, sniff.PDF, 1) == ["Name", "Total"]


def test_a_pdf_without_text_has_no_text_layer(tmp_path: Path):
    path = tmp_path / "a.pdf"
    written_pdf(path, b"0 0 50 50 re f")
    assert kinds.page(path, sniff.PDF, 1, LIMITS).text is None


def test_form_fields_are_drawn(tmp_path: Path):
    path = tmp_path / "a.pdf"
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(300, 400))
        look = Stream(document, b"0 0 100 20 re f")
        look.stream_dict = Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 20])
        field = document.make_indirect(
            Dictionary(
                Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=b"a", V=b"x", Rect=[100, 200, 200, 220], F=4,
                AP=Dictionary(N=look),
            )
        )  # fmt: skip
        page.Annots = [field]
        document.Root.AcroForm = Dictionary(Fields=[field])
        document.save(path)
    picture = kinds.page(path, sniff.PDF, 1, LIMITS).picture
    assert picture is not None
    assert not picture[792, 625].any()


def test_a_word_document_gives_its_words_in_order_and_by_page(tmp_path: Path):
    path = tmp_path / "a.docx"
    document = docx.Document()
    document.add_paragraph("参保登记表")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "姓名", "甲某某"
    document.add_paragraph("备注")
    document.add_page_break()
    document.add_paragraph("第二页")
    document.save(str(path))
    assert words(path, sniff.DOCX, 1) == ["参保登记表", "姓名 甲某某", "备注"]
    assert words(path, sniff.DOCX, 2) == ["第二页"]


def test_a_workbook_gives_a_page_for_each_worksheet(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "花名册"
    book.active.append(["姓名", "基数"])
    book.active.append(["甲某某", 5321.5])
    book.create_sheet("汇总").append(["合计", 1])
    book.save(path)
    assert words(path, sniff.XLSX, 1) == ["花名册", "姓名", "基数", "甲某某", "5321.5"]
    assert words(path, sniff.XLSX, 2) == ["汇总", "合计", "1"]


def test_a_long_worksheet_goes_on_on_the_next_page(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for number in range(200):
        book.active.append([f"第{number}行"])
    book.save(path)
    found = kinds.examine(path, "a.xlsx", LIMITS, lambda: None)
    every = [word for number in range(1, len(found.pages) + 1) for word in words(path, sniff.XLSX, number)]
    assert every[1:] == [f"第{number}行" for number in range(200)]


def test_a_receipt_gives_its_leaves_with_their_names(tmp_path: Path):
    path = tmp_path / "a.xml"
    path.write_bytes(
        '<?xml version="1.0" encoding="GBK"?><票据><号码>001</号码><合计>12.50</合计></票据>'.encode("gbk")
    )
    assert words(path, sniff.XML, 1) == ["号码: 001", "合计: 12.50"]


def test_an_ofd_gives_its_text_in_pixels(tmp_path: Path):
    path = tmp_path / "a.ofd"
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("OFD.xml", f"<ofd:OFD {space}><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:OFD>")
        archive.writestr(
            "Doc_0/Document.xml",
            f"<ofd:Document {space}><ofd:PhysicalBox>0 0 210 140</ofd:PhysicalBox><ofd:Pages>"
            '<ofd:Page ID="1" BaseLoc="P.xml"/></ofd:Pages></ofd:Document>',
        )
        archive.writestr(
            "Doc_0/P.xml",
            f'<ofd:Page {space}><ofd:TextObject Boundary="25.4 50.8 50.8 5.08" Size="4"><ofd:TextCode X="0" Y="4">'
            "医疗收费票据</ofd:TextCode></ofd:TextObject></ofd:Page>",
        )
    content = kinds.page(path, sniff.OFD, 1, LIMITS)
    assert content.text is not None
    assert [(line.text, line.box) for line in content.text] == [("医疗收费票据", (300, 600, 600, 60))]
    assert (content.shape.width, content.shape.height) == (2480, 1654)


def test_an_ofd_page_that_is_one_picture_gives_that_picture(tmp_path: Path):
    path = tmp_path / "a.ofd"
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), (255, 0, 0)).save(picture, "PNG")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("OFD.xml", f"<ofd:OFD {space}><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:OFD>")
        archive.writestr(
            "Doc_0/Document.xml",
            f"<ofd:Document {space}><ofd:PhysicalBox>0 0 50 50</ofd:PhysicalBox><ofd:DocumentRes>R.xml"
            '</ofd:DocumentRes><ofd:Pages><ofd:Page ID="1" BaseLoc="P.xml"/></ofd:Pages></ofd:Document>',
        )
        archive.writestr(
            "Doc_0/R.xml",
            f'<ofd:Res {space} BaseLoc="Res"><ofd:MultiMedia ID="7"><ofd:MediaFile>a.png</ofd:MediaFile>'
            "</ofd:MultiMedia></ofd:Res>",
        )
        archive.writestr("Doc_0/Res/a.png", picture.getvalue())
        archive.writestr(
            "Doc_0/P.xml",
            f'<ofd:Page {space}><ofd:ImageObject Boundary="0 0 25.4 25.4" ResourceID="7"/></ofd:Page>',
        )
    assert kinds.examine(path, "a.ofd", LIMITS, lambda: None).has_picture
    drawn = kinds.page(path, sniff.OFD, 1, LIMITS).picture
    assert drawn is not None
    assert drawn[150, 150].tolist() == [255, 0, 0]
    assert drawn[400, 400].tolist() == [255, 255, 255]


def test_every_reason_speaks_both_languages():
    for code, reason in reasons.REASONS.items():
        assert code == reason.code == code.lower()
        for wording in (reason.zh, reason.en):
            assert all((wording.what, wording.why, wording.next))
        assert reasons.message(code, "zh_Hans_CN") != reasons.message(code, "en")


def test_a_bomb_of_a_hundred_small_members_is_noticed(tmp_path: Path):
    path = tmp_path / "a.docx"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<a/>")
        archive.writestr("word/document.xml", "<a/>")
        for number in range(100):
            archive.writestr(f"word/media/{number}", bytes(1 << 20))
    path.write_bytes(out.getvalue())
    with pytest.raises(Exception, match="archive-bomb"):
        kinds.examine(path, "a.docx", LIMITS, lambda: None)
