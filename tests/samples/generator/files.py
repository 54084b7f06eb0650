# ruff: noqa: E501  markup stands on one line
"""Writes papers as the files an office would hand in: scans, faxes, born-digital documents, receipts, packages."""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import docx
import openpyxl
import pikepdf
import pillow_heif
from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests.samples.generator.degrade import Wear, worn
from tests.samples.generator.drawing import Sheet, Text, bitmap, born_digital, write_pdf_page
from tests.samples.generator.form import Paper

_HOUR = datetime(2024, 1, 1, tzinfo=UTC)
_MADE_AT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")

rl_config.useA85 = 0
pillow_heif.register_heif_opener()


def scans(papers: Sequence[Paper], wear: Wear) -> list[Image.Image]:
    """Every sheet as it came through the scanner, each with noise of its own."""
    sheets = [sheet for paper in papers for sheet in paper.sheets]
    return [worn(bitmap(sheet, wear.dpi), replace(wear, seed=wear.seed + place)) for place, sheet in enumerate(sheets)]


def write(path: Path, papers: Sequence[Paper], wear: Wear) -> None:
    """The papers as one file; its kind follows from the suffix. Raises `ValueError` for an unknown one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.name
    if name.endswith(".born.pdf"):
        path.write_bytes(born_digital([sheet for paper in papers for sheet in paper.sheets]))
    elif name.endswith(".docx"):
        _docx(path, papers[0])
    elif name.endswith(".xlsx"):
        _xlsx(path, papers[0])
    elif name.endswith(".xml"):
        path.write_text(_receipt(papers[0]), encoding="utf-8")
    elif name.endswith(".ofd"):
        _ofd(path, papers[0].sheets)
    elif name.endswith(".pdf"):
        path.write_bytes(_pdf(papers, wear, mixed=name.endswith(".mixed.pdf")))
    else:
        _pictures(path, scans(papers, wear), wear)


def _pictures(path: Path, images: Sequence[Image.Image], wear: Wear) -> None:
    first, rest, dpi = images[0], list(images[1:]), (wear.dpi, wear.dpi)
    if rest and path.suffix != ".tif":
        message = f"{path.suffix} holds one sheet, not {len(images)}"
        raise ValueError(message)
    match path.suffix:
        case ".jpg":
            first.save(path, quality=wear.jpeg, dpi=dpi)
        case ".png":
            few = first if first.mode == "1" else first.quantize(16) if first.mode == "RGB" else first.quantize(8)
            few.save(path, optimize=True, dpi=dpi)
        case ".tif":
            how = "group4" if first.mode == "1" else "jpeg"
            extra: dict[str, Any] = {} if first.mode == "1" else {"quality": wear.jpeg}
            first.save(path, compression=how, dpi=dpi, save_all=True, append_images=rest, **extra)
        case ".webp" | ".heic":
            first.save(path, quality=wear.jpeg)
        case ".bmp":
            first.save(path, dpi=dpi)
        case other:
            message = f"no way to write {other}"
            raise ValueError(message)


def _pdf(papers: Sequence[Paper], wear: Wear, *, mixed: bool) -> bytes:
    """Scans as full-page pictures; in a mixed file every second page is born digital."""
    target = io.BytesIO()
    canvas = Canvas(target, invariant=1)
    sheets = [sheet for paper in papers for sheet in paper.sheets]
    for place, (sheet, image) in enumerate(zip(sheets, scans(papers, wear), strict=True)):
        if mixed and place % 2:
            write_pdf_page(canvas, sheet)
            continue
        jpeg = io.BytesIO()
        picture = image.convert("L") if image.mode == "1" else image
        picture.save(jpeg, "JPEG", quality=wear.jpeg)
        wide, high = image.width * 72 / wear.dpi, image.height * 72 / wear.dpi
        canvas.setPageSize((wide, high))
        canvas.drawImage(ImageReader(jpeg), 0, 0, width=wide, height=high)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def encrypted(path: Path, papers: Sequence[Paper]) -> None:
    """A PDF that asks for a password."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pikepdf.open(io.BytesIO(born_digital(papers[0].sheets))) as document:
        document.save(path, encryption=pikepdf.Encryption(owner="owner", user="user"))


def truncated(path: Path, papers: Sequence[Paper], wear: Wear) -> None:
    """A JPEG that ends in the middle."""
    whole = path.with_suffix(".whole.jpg")
    write(whole, papers, wear)
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 5])
    whole.unlink()


def _lines(sheet: Sheet) -> list[list[str]]:
    rows: dict[int, list[tuple[float, str]]] = {}
    for mark in sheet.marks:
        if isinstance(mark, Text) and mark.text.strip():
            rows.setdefault(round(mark.y / 6), []).append((mark.x, mark.text))
    return [[text for _, text in sorted(rows[key])] for key in sorted(rows)]


def _settle(path: Path) -> None:
    """Take the hour of making out of a package, so that equal papers give equal bytes."""
    with zipfile.ZipFile(path) as package:
        parts = [(name, package.read(name)) for name in package.namelist()]
    hour = _HOUR.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts:
            settled = _MADE_AT.sub(rb"\g<1>" + hour, data) if name == "docProps/core.xml" else data
            package.writestr(zipfile.ZipInfo(name, _HOUR.timetuple()[:6]), settled, zipfile.ZIP_DEFLATED)


def _docx(path: Path, paper: Paper) -> None:
    document = docx.Document()
    document.add_heading(paper.title, level=1)
    for line in [line for sheet in paper.sheets for line in _lines(sheet)]:
        if "".join(line) != paper.title:
            document.add_paragraph("　".join(line))
    document.core_properties.created = document.core_properties.modified = _HOUR
    document.save(str(path))
    _settle(path)


def _xlsx(path: Path, paper: Paper) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = paper.title[:31]
    for line in [line for page in paper.sheets for line in _lines(page)]:
        sheet.append(line)
    book.save(path)
    _settle(path)


_RECEIPT_TAGS = {
    "bill_code": "票据代码",
    "bill_no": "票据号码",
    "bill_check": "校验码",
    "bill_date": "开票日期",
    "person_name": "交款人",
    "certno": "身份证号",
    "fixmedins_name": "收款单位",
    "visit_no": "门诊号",
    "ipt_no": "住院号",
    "sumamt_words": "金额合计大写",
    "medfee_sumamt": "金额合计",
    "hifp_pay": "统筹支付",
    "acct_pay": "个人账户支付",
    "psn_cash_pay": "个人现金支付",
}


def _receipt(paper: Paper) -> str:
    leaves = "".join(
        f"  <{tag}>{escape(paper.fields[key])}</{tag}>\n" for key, tag in _RECEIPT_TAGS.items() if key in paper.fields
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<电子票据>\n  <票据名称>{paper.title}</票据名称>\n{leaves}</电子票据>\n'


def _ofd(path: Path, sheets: Sequence[Sheet]) -> None:
    """An OFD package (GB/T 33190) with the sheet's text objects."""
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    parts = {
        "OFD.xml": f'<ofd:OFD {space} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>00000000000000000000000000000001</ofd:DocID></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>',
        "Doc_0/PublicRes.xml": f'<ofd:Res {space} BaseLoc="Res"><ofd:Fonts><ofd:Font ID="1" FontName="宋体" FamilyName="宋体"/></ofd:Fonts></ofd:Res>',
    }
    millimetres = 25.4 / 72
    pages, number = "", 100
    for place, sheet in enumerate(sheets):
        objects = ""
        for mark in sheet.marks:
            if not isinstance(mark, Text) or not mark.text.strip():
                continue
            number += 1
            size = mark.size * millimetres
            steps = " ".join(f"{size:.3f}" for _ in mark.text[1:])
            shift = f' DeltaX="{steps}"' if steps else ""
            box = f"{mark.x * millimetres:.3f} {mark.y * millimetres:.3f} {size * len(mark.text):.3f} {size * 1.2:.3f}"
            objects += (
                f'<ofd:TextObject ID="{number}" Boundary="{box}" Font="1" Size="{size:.3f}">'
                f'<ofd:TextCode X="0" Y="{size * 0.86:.3f}"{shift}>{escape(mark.text)}</ofd:TextCode></ofd:TextObject>'
            )
        parts[f"Doc_0/Pages/Page_{place}/Content.xml"] = (
            f'<ofd:Page {space}><ofd:Content><ofd:Layer ID="{place + 50}">{objects}</ofd:Layer></ofd:Content></ofd:Page>'
        )
        pages += f'<ofd:Page ID="{place + 10}" BaseLoc="Pages/Page_{place}/Content.xml"/>'
    wide, high = (part * millimetres for part in sheets[0].size)
    parts["Doc_0/Document.xml"] = (
        f"<ofd:Document {space}><ofd:CommonData><ofd:MaxUnitID>{number}</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 {wide:.1f} {high:.1f}"
        f"</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages>{pages}</ofd:Pages></ofd:Document>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name in ("OFD.xml", *sorted(set(parts) - {"OFD.xml"})):
            package.writestr(
                zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), '<?xml version="1.0" encoding="UTF-8"?>' + parts[name]
            )
