"""PDF: scanned, born-digital and odd but sound ones, and those that hide, act, loop, burst or miss a part."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator

import pikepdf
from hostile_case import Case, saved, scan
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

Change = Callable[[pikepdf.Pdf], None]


def finished(document: pikepdf.Pdf, **options: object) -> bytes:
    out = io.BytesIO()
    document.save(out, deterministic_id="encryption" not in options, **options)  # type: ignore[arg-type]
    return out.getvalue()


def picture(document: pikepdf.Pdf, **changes: object) -> pikepdf.Object:
    page = scan()
    image = Stream(document, saved(page, "JPEG"))
    image.stream_dict = Dictionary(
        Type=Name.XObject, Subtype=Name.Image, Width=240, Height=320, BitsPerComponent=8,
        ColorSpace=Name.DeviceRGB, Filter=Name.DCTDecode,
    )  # fmt: skip
    for key, value in changes.items():
        image["/" + key] = value
    return document.make_indirect(image)


def scanned(pages: int = 1, **changes: object) -> pikepdf.Pdf:
    """Pages that are one picture each."""
    document = pikepdf.new()
    for _ in range(pages):
        page = document.add_blank_page(page_size=(180, 240))
        page.Resources = Dictionary(XObject=Dictionary(Im0=picture(document, **changes)))
        page.Contents = Stream(document, b"q 180 0 0 240 0 0 cm /Im0 Do Q")
    return document


def written(text: bytes = b"(Receipt 2026-0001) Tj", *, pages: int = 1) -> pikepdf.Pdf:
    """Pages with text in a standard font."""
    document = pikepdf.new()
    font = document.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    for _ in range(pages):
        page = document.add_blank_page(page_size=(180, 240))
        page.Resources = Dictionary(Font=Dictionary(F1=font))
        page.Contents = Stream(document, b"BT /F1 12 Tf 20 200 Td " + text + b" ET")
    return document


def changed(change: Change, document: pikepdf.Pdf | None = None, **options: object) -> bytes:
    document = document or scanned()
    change(document)
    return finished(document, **options)


def sound() -> Iterator[Case]:
    plain = finished(scanned())
    yield Case("scanned.pdf", plain, note="scanned")
    yield Case("written.pdf", finished(written()), note="born-digital")
    yield Case("linearised.pdf", finished(scanned(3), linearize=True))
    yield Case("object-streams.pdf", finished(scanned(3), object_stream_mode=pikepdf.ObjectStreamMode.generate))
    yield Case("turned.pdf", changed(lambda d: d.pages[0].rotate(90, relative=False)))
    yield Case("cropped.pdf", changed(lambda d: d.pages[0].obj.__setitem__("/CropBox", Array([10, 10, 100, 200]))))
    yield Case("blank.pdf", finished(_blank()), note="blank")
    mixed, other = scanned(), written()
    mixed.pages.extend(other.pages)
    yield Case("mixed.pdf", finished(mixed), note="mixed")
    yield Case("updated.pdf", _updated(plain))
    yield Case("leading-bytes.pdf", b"\r\n\r\n" + plain, note="leading-bytes")
    yield Case("padded.pdf", plain + bytes(300), note="padding")
    yield Case("flate-picture.pdf", finished(_flate(240 * 320 * 3)))
    yield Case("form-inside.pdf", finished(_forms(2)))
    yield Case("ink.pdf", changed(_ink), note="ink-annotations")
    yield Case(
        "data-attached.pdf", changed(lambda d: _attach(d, b"<?xml version='1.0'?><Receipt/>")), note="attachments:1"
    )
    yield Case("g4-picture.pdf", finished(_group4(whole=True)))
    yield Case("tiles.pdf", finished(_tiles(bytes(100))))
    rows = scan().tobytes()
    yield Case("run-lengths.pdf", finished(_filtered(_literal_runs(rows), Name.RunLengthDecode)))
    yield Case("font-left-out.pdf", changed(_leave_font_out, written()), note="fonts:not-embedded")
    yield Case("link.pdf", changed(lambda d: _annotate(d, Dictionary(S=Name.URI, URI=b"https://example.org/"))))


def _blank() -> pikepdf.Pdf:
    document = pikepdf.new()
    document.add_blank_page(page_size=(180, 240))
    return document


def _updated(plain: bytes) -> bytes:
    """An incremental update that replaces the catalogue by an equal one."""
    start = int(plain.rsplit(b"startxref", 1)[1].split()[0])
    with pikepdf.open(io.BytesIO(plain)) as document:
        root, size = document.Root.objgen[0], len(document.objects) + 1
        body = f"{root} 0 obj\n".encode() + document.Root.unparse(resolved=True) + b"\nendobj\n"
    at = len(plain)
    table = f"xref\n{root} 1\n{at:010d} 00000 n \ntrailer\n<< /Size {size} /Root {root} 0 R /Prev {start} >>\n"
    return plain + body + table.encode() + f"startxref\n{at + len(body)}\n%%EOF\n".encode()


def _flate(length: int) -> pikepdf.Pdf:
    document = scanned()
    image = document.pages[0].Resources.XObject.Im0
    image.write(zlib.compress(scan().tobytes()[:length].ljust(length, b"\0")), filter=Name.FlateDecode)
    return document


def _group4(*, whole: bool) -> pikepdf.Pdf:
    bilevel = scan("1", size=(800, 1100))
    file = saved(bilevel, "TIFF", compression="group4", tiffinfo={278: 1100})
    with Image.open(io.BytesIO(file)) as opened:
        at, length = opened.tag_v2[273][0], opened.tag_v2[279][0]  # type: ignore[attr-defined]
    data = file[at : at + length]
    document = scanned(Width=800, Height=1100, BitsPerComponent=1, ColorSpace=Name.DeviceGray)
    image = document.pages[0].Resources.XObject.Im0
    parameters = Dictionary(K=-1, Columns=800, Rows=1100)
    image.write(data if whole else data[: len(data) // 2], filter=Name.CCITTFaxDecode, decode_parms=parameters)
    return document


def _forms(depth: int, *, loop: bool = False) -> pikepdf.Pdf:
    document = scanned()
    page = document.pages[0]
    inner, name = page.Resources.XObject.Im0, b"Im0"
    forms = []
    for level in range(depth):
        form = Stream(document, b"/" + name + b" Do")
        form.stream_dict = Dictionary(
            Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 180, 240],
            Resources=Dictionary(XObject=Dictionary({"/" + name.decode(): inner})),
        )  # fmt: skip
        inner, name = document.make_indirect(form), f"Fm{level}".encode()
        forms.append(inner)
    if loop:
        forms[0].Resources.XObject["/Im0"] = forms[-1]
    page.Resources = Dictionary(XObject=Dictionary({"/" + name.decode(): inner}))
    page.Contents = Stream(document, b"/" + name + b" Do")
    return document


def _ink(document: pikepdf.Pdf) -> None:
    ink = Dictionary(
        Type=Name.Annot, Subtype=Name.Ink, Rect=[10, 10, 90, 90], InkList=[[10, 10, 90, 90]], C=[1, 0, 0], F=4
    )
    document.pages[0].Annots = Array([document.make_indirect(ink)])


def _annotate(document: pikepdf.Pdf, action: Dictionary) -> None:
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 50, 50], A=action)
    document.pages[0].Annots = Array([link])


def _leave_font_out(document: pikepdf.Pdf) -> None:
    below = Dictionary(Type=Name.Font, Subtype=Name.CIDFontType0, BaseFont=Name("/STSong-Light"))
    document.pages[0].Resources.Font.F1 = Dictionary(
        Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/STSong-Light"), Encoding=Name("/UniGB-UCS2-H"),
        DescendantFonts=Array([below]),
    )  # fmt: skip


def _attach(document: pikepdf.Pdf, data: bytes) -> None:
    document.attachments["data.xml"] = data


def broken() -> Iterator[Case]:
    plain = finished(scanned(2))
    yield Case("cut.pdf", plain[: len(plain) // 2], "truncated")
    yield Case("header-only.pdf", b"%PDF-1.7\n", "truncated")
    yield Case("index-wrong.pdf", plain.replace(b"startxref\n", b"startxref\n9"), "damaged")
    yield Case("middle-missing.pdf", plain[: len(plain) // 3] + plain[len(plain) // 3 + 500 :], "damaged")
    half = scanned()
    jpeg = half.pages[0].Resources.XObject.Im0.read_raw_bytes()
    half.pages[0].Resources.XObject.Im0.write(jpeg[: len(jpeg) // 2], filter=Name.DCTDecode)
    yield Case("picture-cut.pdf", finished(half), "damaged-image")
    yield Case("picture-rows-missing.pdf", finished(_flate(240 * 100 * 3)), "damaged-image")
    yield Case("picture-g4-cut.pdf", finished(_group4(whole=False)), "damaged-image")
    yield Case("picture-gone.pdf", changed(lambda d: d.pages[0].Resources.XObject.__delitem__("/Im0")), "missing-image")
    yield Case("picture-null.pdf", plain.replace(b"/Im0 ", b"/Im1 ", 1), "missing-image")
    yield Case("picture-bomb.pdf", finished(scanned(Width=60000, Height=60000)), "too-many-pixels")
    yield Case("page-bomb.pdf", changed(_vast), "too-many-pixels")
    yield Case("content-bomb.pdf", finished(_content_bomb(1)), "archive-bomb")
    yield Case("content-bomb-twice.pdf", finished(_content_bomb(2)), "archive-bomb")
    yield Case("object-stream-bomb.pdf", _object_stream_bomb(), "archive-bomb")
    yield Case("picture-inflating.pdf", finished(_flate(40 << 20)), "archive-bomb")
    yield Case("form-loop.pdf", finished(_forms(3, loop=True)), "loop")
    yield Case("page-tree-loop.pdf", _tree_loop(), "loop")
    yield Case("page-gone.pdf", _page_gone(), "damaged")
    yield Case("count-lies.pdf", plain.replace(b"/Count 2", b"/Count 3"), "damaged")
    yield Case("no-pages.pdf", finished(pikepdf.new()), "no-pages")
    yield Case("many-pages.pdf", finished(scanned(60)), "too-many-pages")
    yield Case(
        "deep-arrays.pdf",
        _raw([b"<< /Type /Catalog /Pages 2 0 R /X " + b"[" * 5000 + b"]" * 5000 + b" >>", *_PAGES]),
        "damaged",
    )
    yield Case("no-catalogue.pdf", _raw([b"<< /Type /Catalog >>"]), "damaged")
    jpx = saved(scan(), "JPEG2000")
    yield Case("picture-jpx.pdf", finished(_filtered(jpx, Name.JPXDecode)))
    yield Case("picture-jpx-cut.pdf", finished(_filtered(jpx[:-200], Name.JPXDecode)), "damaged-image")
    runs = _literal_runs(scan().tobytes())
    yield Case("run-lengths-cut.pdf", finished(_filtered(runs[:9000], Name.RunLengthDecode)), "damaged-image")
    yield Case("tiles-cut.pdf", finished(_tiles(b"xx")), "damaged-image")
    yield Case("tiles-cut-by-another-name.pdf", finished(_tiles(b"xx", called=b"/P#30")), "damaged-image")
    yield Case("linearised-cut.pdf", finished(scanned(3), linearize=True)[:-40], "truncated")
    yield Case("picture-unknown-filter.pdf", finished(_filtered(b"xx", Name("/Nobodys"))), "damaged-image")
    yield Case("picture-jbig2-cut.pdf", finished(_filtered(_JBIG2[:-8], Name.JBIG2Decode)), "damaged-image")
    content = scanned()
    content.pages[0].Contents.write(zlib.compress(b"q Q " * 500)[:-20], filter=Name.FlateDecode)
    yield Case("content-cut.pdf", finished(content, compress_streams=False), "truncated")


_PAGES = (
    b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
)
#: A page information segment and a generic region whose data is sixteen bytes long.
_JBIG2 = b"\0\0\0\0\x30\0\x01\0\0\0\x13" + bytes(19) + b"\0\0\0\x01\x26\0\x01\0\0\0\x10" + bytes(16)


def _filtered(data: bytes, name: pikepdf.Name) -> pikepdf.Pdf:
    document = scanned()
    document.pages[0].Resources.XObject.Im0.write(data, filter=name)
    return document


def _tiles(samples: bytes, *, called: bytes = b"/P0") -> pikepdf.Pdf:
    """A page painted with a pattern of a picture of ten by ten."""
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(180, 240))
    image = Stream(document, samples)
    image.stream_dict = Dictionary(
        Type=Name.XObject, Subtype=Name.Image, Width=10, Height=10, BitsPerComponent=8, ColorSpace=Name.DeviceGray
    )
    tile = Stream(document, b"q 10 0 0 10 0 0 cm /Im0 Do Q")
    tile.stream_dict = Dictionary(
        Type=Name.Pattern, PatternType=1, PaintType=1, TilingType=1, BBox=Array([0, 0, 10, 10]), XStep=10, YStep=10,
        Resources=Dictionary(XObject=Dictionary(Im0=document.make_indirect(image))),
    )  # fmt: skip
    page.Resources = Dictionary(Pattern=Dictionary(P0=document.make_indirect(tile)))
    page.Contents = Stream(document, b"/Pattern cs " + called + b" scn 0 0 180 240 re f")
    return document


def _literal_runs(data: bytes) -> bytes:
    pieces = (data[at : at + 128] for at in range(0, len(data), 128))
    return b"".join(bytes([len(piece) - 1]) + piece for piece in pieces) + b"\x80"


def _vast(document: pikepdf.Pdf) -> None:
    document.pages[0].MediaBox = Array([0, 0, 14400, 14400])


def _content_bomb(times: int) -> pikepdf.Pdf:
    document = scanned()
    data = b"q Q " * (8 << 20)
    for _ in range(times):
        data = zlib.compress(data, 9)
    names = [Name.FlateDecode] * times
    document.pages[0].Contents.write(data, filter=Array(names) if times > 1 else names[0])
    return document


def _object_stream_bomb() -> bytes:
    data = zlib.compress(b" " * (64 << 20), 9)
    body = b"%PDF-1.5\n1 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length "
    body += str(len(data)).encode() + b" >>\nstream\n" + data + b"\nendstream\nendobj\n"
    at = len(body)
    return body + b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 2 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % at


def _raw(objects: list[bytes]) -> bytes:
    """A PDF of these objects, the first being the catalogue."""
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out) + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, at)


def _tree_loop() -> bytes:
    return _raw([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Pages /Count 1 /Kids [2 0 R] /Parent 2 0 R >>",
    ])  # fmt: skip


def _page_gone() -> bytes:
    return _raw([
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 2 /Kids [3 0 R 9 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>",
    ])  # fmt: skip


def _script() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=b"app.alert(1)")


def harmful() -> Iterator[Case]:
    launch = Dictionary(S=Name.Launch, F=b"cmd.exe")
    plain = finished(scanned())
    yield Case(
        "script-at-opening.pdf", changed(lambda d: d.Root.__setitem__("/OpenAction", _script())), "active-content"
    )
    names = Dictionary(JavaScript=Dictionary(Names=[b"x", _script()]))
    yield Case("script-by-name.pdf", changed(lambda d: d.Root.__setitem__("/Names", names)), "active-content")
    yield Case(
        "script-on-page.pdf",
        changed(lambda d: d.pages[0].obj.__setitem__("/AA", Dictionary(O=_script()))),
        "active-content",
    )
    packed = pikepdf.ObjectStreamMode.generate
    hidden = changed(lambda d: d.Root.__setitem__("/OpenAction", d.make_indirect(_script())), object_stream_mode=packed)
    yield Case("script-packed.pdf", hidden, "active-content")
    escaped = changed(lambda d: d.Root.__setitem__("/OpenAction", _script())).replace(b"/JavaScript", b"/J#61vaScript")
    yield Case("script-escaped.pdf", _reindexed(escaped), "active-content")
    yield Case("launch.pdf", changed(lambda d: _annotate(d, launch)), "active-content")
    form = Dictionary(Fields=[], XFA=b"<xdp/>")
    yield Case("xfa.pdf", changed(lambda d: d.Root.__setitem__("/AcroForm", form)), "active-content")
    rich = Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=[0, 0, 9, 9])
    yield Case(
        "rich-media.pdf", changed(lambda d: d.pages[0].obj.__setitem__("/Annots", Array([rich]))), "active-content"
    )
    yield Case("program-attached.pdf", changed(lambda d: _attach(d, b"MZ" + bytes(500))), "attachment")
    yield Case("locked.pdf", finished(scanned(), encryption=pikepdf.Encryption(owner="a", user="b")), "encrypted")
    yield Case("locked-for-owner.pdf", finished(scanned(), encryption=pikepdf.Encryption(owner="a")), "encrypted")
    yield Case("with-zip.pdf", plain + _zip(), "polyglot")
    yield Case("with-html.pdf", plain + b"<html><script>1</script></html>", "polyglot")
    yield Case("html-before.pdf", b"<html><script>1</script>\n" + plain, "polyglot")
    yield Case("with-junk.pdf", plain + b"\x01\x02\x03" * 100, "trailing-data")


def _reindexed(data: bytes) -> bytes:
    """Shift the index by what one longer name added."""
    head = data.rsplit(b"startxref\n", 1)[0]
    table = head.rindex(b"xref\n")
    shift = len(b"/J#61vaScript") - len(b"/JavaScript")
    at = head.index(b"/J#61vaScript")
    lines = []
    for line in head[table:].split(b"\n"):
        if line.endswith(b" n ") and int(line[:10]) > at:
            line = b"%010d%s" % (int(line[:10]) + shift, line[10:])  # noqa: PLW2901
        lines.append(line)
    return head[:table] + b"\n".join(lines) + b"startxref\n%d\n%%%%EOF\n" % table


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.txt"), "a")
    return out.getvalue()


def cases() -> Iterator[Case]:
    yield from sound()
    yield from broken()
    yield from harmful()
