"""OFD, XML receipts, DOCX and XLSX: sound ones, and packages that burst, act, lie or reach outside."""

import io
import zipfile
from collections.abc import Iterator, Mapping

import docx
import openpyxl
from docx.oxml import OxmlElement
from hostile_case import Case, saved, scan
from openpyxl.styles import PatternFill

_OFD = "http://www.ofdspec.org/2016"


def packed(members: Mapping[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, data)
    return out.getvalue()


def ofd_members() -> dict[str, bytes | str]:
    return {
        "OFD.xml": f'<ofd:OFD xmlns:ofd="{_OFD}" Version="1.1" DocType="OFD"><ofd:DocBody>'
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f'<ofd:Document xmlns:ofd="{_OFD}"><ofd:CommonData><ofd:PageArea>'
        "<ofd:PhysicalBox>0 0 210 140</ofd:PhysicalBox></ofd:PageArea>"
        "<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes></ofd:CommonData>"
        '<ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>',
        "Doc_0/DocumentRes.xml": f'<ofd:Res xmlns:ofd="{_OFD}" BaseLoc="Res"><ofd:MultiMedias>'
        '<ofd:MultiMedia ID="7" Type="Image"><ofd:MediaFile>seal.png</ofd:MediaFile></ofd:MultiMedia>'
        "</ofd:MultiMedias></ofd:Res>",
        "Doc_0/Res/seal.png": saved(scan(size=(20, 20)), "PNG"),
        "Doc_0/Pages/Page_0/Content.xml": f'<ofd:Page xmlns:ofd="{_OFD}"><ofd:Content><ofd:Layer ID="2">'
        '<ofd:TextObject ID="3" Boundary="20 10 80 6" Size="4"><ofd:TextCode X="0" Y="4" DeltaX="g 5 4">'
        '医疗收费票据</ofd:TextCode></ofd:TextObject><ofd:ImageObject ID="4" Boundary="150 90 30 30" ResourceID="7"/>'
        "</ofd:Layer></ofd:Content></ofd:Page>",
    }


def ofds() -> Iterator[Case]:
    plain = ofd_members()
    yield Case("plain.ofd", packed(plain), note="viewing-copy:none")
    page = "Doc_0/Pages/Page_0/Content.xml"
    seal = "Doc_0/Res/seal.png"
    yield Case("seal-cut.ofd", packed({**plain, seal: bytes(plain[seal])[:80]}), "damaged-image")  # type: ignore[arg-type]
    yield Case("page-missing.ofd", packed({k: v for k, v in plain.items() if k != page}), "damaged")
    yield Case("seal-missing.ofd", packed({k: v for k, v in plain.items() if not k.endswith(".png")}), "missing-image")
    whole = packed(plain, method=zipfile.ZIP_STORED)
    yield Case("bit-flipped.ofd", whole.replace("医疗收费".encode(), "医疔收费".encode(), 1), "damaged")
    yield Case("cut.ofd", whole[: len(whole) // 2], "truncated")
    bomb = {**plain, page: b"<a>" + b" " * (64 << 20) + b"</a>"}
    yield Case("bomb.ofd", packed(bomb), "archive-bomb")
    entity = '<!DOCTYPE x [<!ENTITY a "b">]><ofd:OFD>&a;</ofd:OFD>'
    yield Case("entities.ofd", packed({**plain, "OFD.xml": entity}), "xml-entities")
    yield Case("climbing.ofd", packed({**plain, "../../etc/cron.d/x": b"*"}), "active-content")
    yield Case("no-root.ofd", packed({**plain, "OFD.xml": f'<OFD xmlns="{_OFD}"/>'}), "damaged")
    box = str(plain["Doc_0/Document.xml"]).replace("210 140", "99000 99000")
    yield Case("vast.ofd", packed({**plain, "Doc_0/Document.xml": box}), "too-many-pixels")
    yield Case("with-head.ofd", b"MZ" + packed(plain), "executable")


def receipts() -> Iterator[Case]:
    receipt = (
        '<?xml version="1.0" encoding="UTF-8"?><EInvoice><Header><InvoiceNumber>0012345678</InvoiceNumber></Header>'
        '<Payer name="甲某某"/><Total>120.50</Total></EInvoice>'
    )
    yield Case("receipt.xml", receipt.encode(), note="viewing-copy:none")
    yield Case("receipt-bom.xml", b"\xef\xbb\xbf" + receipt.encode())
    yield Case("receipt-utf16.xml", receipt.replace("UTF-8", "UTF-16").encode("utf-16"))
    yield Case("receipt-gbk.xml", receipt.replace("UTF-8", "GB18030").encode("gb18030"))
    yield Case("cut.xml", receipt[:-30].encode(), "truncated")
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    yield Case(
        "laughs.xml",
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l9;</x>'.encode(),
        "xml-entities",
    )
    outside = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'
    yield Case("outside.xml", outside.encode(), "xml-entities")
    yield Case("deep.xml", b"<?xml version='1.0'?>" + b"<a>" * 100000 + b"</a>" * 100000, "archive-bomb")
    yield Case("nothing.xml", b"<?xml version='1.0'?><a/>", "no-pages")


def word() -> "docx.document.Document":
    document = docx.Document()
    document.add_paragraph("参保登记表")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "姓名", "甲某某"
    document.add_page_break()
    document.add_paragraph("第二页")
    return document


def _painted() -> openpyxl.Workbook:
    """Rows that somebody coloured as far as the sheet goes, as people do, and a word in its last row."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in range(1, 201):
        sheet.cell(row, 1).value = "甲某某"
        sheet.cell(row, 16384).fill = PatternFill("solid", fgColor="FFFF00")
    sheet.cell(1048576, 1).value = "末"
    return book


def _bytes_of(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def _with(data: bytes, members: Mapping[str, bytes], *, replace: tuple[bytes, bytes] | None = None) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    if replace:
        found = {name: bytes(body).replace(*replace) for name, body in found.items()}  # type: ignore[arg-type]
    return packed({**found, **members})


def _relations(kind: str, target: str) -> dict[str, bytes]:
    body = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        f'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}" '
        'TargetMode="External"/></Relationships>'
    )
    return {"word/_rels/settings.xml.rels": body.encode()}


def _behind(first: bytes, second: bytes) -> bytes:
    """One package with the members of both, in this order."""
    out = io.BytesIO(first)
    with zipfile.ZipFile(io.BytesIO(second)) as members, zipfile.ZipFile(out, "a") as archive:
        for info in members.infolist():
            archive.writestr(info, members.read(info))
    return out.getvalue()


def _commented(data: bytes, comment: bytes) -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = comment
    return out.getvalue()


def documents() -> Iterator[Case]:
    plain = _bytes_of(word())
    yield Case("plain.docx", plain)
    yield Case("really-a-docx.pdf", plain, note="name:extension")
    yield Case("local-template.docx", _with(plain, _relations("attachedTemplate", "file:///C:/Normal.dotm")))
    yield Case("macro.docx", _with(plain, {"word/vbaProject.bin": b"\xd0\xcf"}), "macro")
    yield Case("activex.docx", _with(plain, {"word/activeX/activeX1.xml": b"<a/>"}), "active-content")
    yield Case("embedded.docx", _with(plain, {"word/embeddings/oleObject1.bin": b"\xd0\xcf"}), "active-content")
    yield Case(
        "far-template.docx",
        _with(plain, _relations("attachedTemplate", "https://example.org/x.dotm")),
        "external-reference",
    )
    yield Case("far-picture.docx", _with(plain, _relations("image", "https://example.org/x.png")), "external-reference")
    entity = b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    yield Case("entities.docx", _with(plain, {"word/document.xml": entity}), "xml-entities")
    yield Case("bomb.docx", _with(plain, {"word/media/a.bin": bytes(64 << 20)}), "archive-bomb")
    illustrated = word()
    illustrated.add_picture(io.BytesIO(saved(scan(), "JPEG")))
    yield Case("picture.docx", _bytes_of(illustrated), note="pictures-not-read")
    half = saved(scan(), "JPEG")[:2000]
    yield Case("picture-cut.docx", _with(_bytes_of(illustrated), {"word/media/image1.jpg": half}), "damaged-image")
    yield Case("drawing.docx", _with(plain, {"word/media/image1.emf": b"\x01\0\0\0" + bytes(100)}))
    hidden = packed({"a.txt": b"%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n"}, method=zipfile.ZIP_STORED)
    yield Case("pdf-first.docx", _behind(hidden, plain), "polyglot")
    yield Case("html-in-comment.docx", _commented(plain, b"<html><script>1</script>"), "polyglot")
    yield Case("with-junk.docx", plain + b"junk" * 100, "trailing-data")
    yield Case("padded.docx", plain + bytes(100))
    yield Case("cut.docx", plain[: len(plain) // 2], "truncated")
    acting = word()
    field = OxmlElement("w:instrText")
    field.text = 'DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc"'
    acting.paragraphs[0].runs[0]._r.append(field)
    yield Case("dde.docx", _bytes_of(acting), "active-content")
    book = openpyxl.Workbook()
    book.active.append(["姓名", "缴费基数"])
    book.active.append(["甲某某", 5321.5])
    sheet = _bytes_of(book)
    yield Case("plain.xlsx", sheet)
    yield Case("painted-to-the-edge.xlsx", _bytes_of(_painted()))
    yield Case("macro.xlsx", _with(sheet, {"xl/vbaProject.bin": b"\xd0\xcf"}), "macro")
    enabled = (b"spreadsheetml.sheet.main", b"sheet.macroEnabled.main")
    yield Case("macro-type.xlsx", _with(sheet, {}, replace=enabled), "macro")
    yield Case(
        "bomb.xlsx", _with(sheet, {"xl/worksheets/sheet1.xml": b"<a>" + b" " * (64 << 20) + b"</a>"}), "archive-bomb"
    )
    yield Case("cut.xlsx", sheet[: len(sheet) // 2], "truncated")
    yield Case("plain.zip", packed({"a.txt": b"a"}), "archive-file")
    yield Case("presentation.pptx", packed({"[Content_Types].xml": b"<a/>", "ppt/x.xml": b"<a/>"}), "unknown-format")


def cases() -> Iterator[Case]:
    yield from ofds()
    yield from receipts()
    yield from documents()
