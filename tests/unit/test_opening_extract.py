"""Masters of single records: bit for bit what stood in the stack, and nothing of the neighbours."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import tifffile
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from archive_app.core.errors import Refused
from ingest.opening import kinds, pdf, pdf_draw, pictures, sniff
from ingest.opening.model import Limits

LIMITS = Limits()


def jpeg_of(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 400), (shade, 80, 80)).save(out, "JPEG")
    return out.getvalue()


def stack_pdf(path: Path, *, shared: bool) -> list[bytes]:
    """Three persons' pages; `shared` puts all pictures in one resource dictionary, as many scanners do."""
    pictures_of = [jpeg_of(shade) for shade in (10, 120, 230)]
    with pikepdf.new() as document:
        images = []
        for data in pictures_of:
            image = Stream(document, data)
            image.stream_dict = Dictionary(
                Type=Name.XObject, Subtype=Name.Image, Width=300, Height=400, BitsPerComponent=8,
                ColorSpace=Name.DeviceRGB, Filter=Name.DCTDecode,
            )  # fmt: skip
            images.append(document.make_indirect(image))
        everything = document.make_indirect(
            Dictionary(XObject=Dictionary({f"/Im{n}": image for n, image in enumerate(images)}))
        )
        for number, image in enumerate(images):
            page = document.add_blank_page(page_size=(300, 400))
            page.Resources = everything if shared else Dictionary(XObject=Dictionary({f"/Im{number}": image}))
            page.Contents = Stream(document, b"q 300 0 0 400 0 0 cm /Im%d Do Q" % number)
        first, last = document.pages[0], document.pages[2]
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], Dest=Array([last.obj, Name.Fit]))
        first.Annots = Array([link])
        document.Root.Names = Dictionary(Dests=Dictionary(Names=Array([b"third", Array([last.obj, Name.Fit])])))
        document.docinfo["/Title"] = "乙某某"
        document.save(path)
    return pictures_of


@pytest.mark.parametrize("shared", [False, True])
def test_a_page_of_a_pdf_is_copied_bit_for_bit_and_brings_no_neighbour(shared: bool, tmp_path: Path):  # noqa: FBT001
    source, target = tmp_path / "stack.pdf", tmp_path / "one.pdf"
    originals = stack_pdf(source, shared=shared)
    assert kinds.extract(source, sniff.PDF, [1], target, LIMITS) == sniff.PDF
    with pikepdf.open(target) as document:
        assert len(document.pages) == 1
        streams = [thing for thing in document.objects if isinstance(thing, Stream) and "/Width" in thing]
        assert [bytes(stream.read_raw_bytes()) for stream in streams] == originals[:1]
        assert "乙某某" not in str(document.docinfo)
    assert originals[2] not in target.read_bytes()
    assert pdf.examine(target, LIMITS, lambda: None).notes == ("scanned",)


def test_pages_are_copied_in_the_order_asked_for(tmp_path: Path):
    source, target = tmp_path / "stack.pdf", tmp_path / "two.pdf"
    stack_pdf(source, shared=True)
    kinds.extract(source, sniff.PDF, [3, 1], target, LIMITS)
    shades = [np.asarray(pdf_draw.draw(target, number, LIMITS)[0])[50, 50, 0] for number in (1, 2)]
    assert shades[0] > 200
    assert shades[1] < 30


def test_the_same_pages_give_the_same_bytes(tmp_path: Path):
    source = tmp_path / "stack.pdf"
    stack_pdf(source, shared=False)
    digests = set()
    for name in ("a.pdf", "b.pdf"):
        kinds.extract(source, sniff.PDF, [2], tmp_path / name, LIMITS)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_form_field_of_a_neighbour_stays_behind(tmp_path: Path):
    source, target = tmp_path / "form.pdf", tmp_path / "one.pdf"
    with pikepdf.new() as document:
        for _ in range(2):
            document.add_blank_page(page_size=(300, 400))
        widgets = [
            document.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=[0, 0, 99, 20], P=page.obj))
            for page in document.pages
        ]
        field = document.make_indirect(
            Dictionary(FT=Name.Tx, T=b"name", V=b"JIA-MOUMOU", Kids=Array(widgets), DA=b"/Helv 9 Tf")
        )
        for page, widget in zip(document.pages, widgets, strict=True):
            widget.Parent = field
            page.Annots = Array([widget])
        document.Root.AcroForm = Dictionary(Fields=Array([field]))
        document.save(source)
    kinds.extract(source, sniff.PDF, [1], target, LIMITS)
    with pikepdf.open(target) as document:
        assert b"JIA-MOUMOU" not in b"".join(
            thing.unparse(resolved=True) for thing in document.objects if isinstance(thing, Dictionary)
        )


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_page_of_a_tiff_keeps_its_strips(order: str, big: bool, tmp_path: Path):  # noqa: FBT001
    source, target = tmp_path / "stack.tif", tmp_path / "one.tif"
    with tifffile.TiffWriter(source, bigtiff=big, byteorder=order) as writer:  # type: ignore[arg-type]
        for shade in (10, 120, 230):
            page = np.full((300, 200, 3), shade, np.uint8)
            writer.write(page, compression="deflate", rowsperstrip=64, photometric="rgb", resolution=(300, 300))
    assert kinds.extract(source, "image/tiff", [3, 2], target, LIMITS) == "image/tiff"

    def strips(path: Path, index: int) -> list[bytes]:
        data = path.read_bytes()
        with tifffile.TiffFile(path) as file:
            page = file.pages[index]
            return [data[o : o + n] for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]

    assert strips(target, 0) == strips(source, 2)
    assert strips(target, 1) == strips(source, 1)
    found = pictures.examine(target, "image/tiff", LIMITS, lambda: None)
    assert [(shape.width, shape.height, shape.dpi) for shape in found.pages] == [(200, 300, 300)] * 2
    assert int(np.asarray(pictures.decode(target, "image/tiff", 1, LIMITS)[0]).mean()) == 230


def test_a_group_4_page_is_copied_with_its_codes(tmp_path: Path):
    source, target = tmp_path / "stack.tif", tmp_path / "one.tif"
    pages = [Image.new("1", (400, 500), shade) for shade in (0, 255)]
    pages[0].save(source, "TIFF", save_all=True, append_images=pages[1:], compression="group4")
    kinds.extract(source, "image/tiff", [2], target, LIMITS)
    found = pictures.examine(target, "image/tiff", LIMITS, lambda: None)
    assert found.format == "TIFF 6.0, CCITT G4"
    assert np.asarray(pictures.decode(target, "image/tiff", 1, LIMITS)[0]).all()


def test_a_single_picture_is_its_own_master(tmp_path: Path):
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    source.write_bytes(jpeg_of(77))
    kinds.extract(source, "image/jpeg", [1], target, LIMITS)
    assert target.read_bytes() == source.read_bytes()


def test_a_page_that_is_not_there_is_not_extracted(tmp_path: Path):
    source = tmp_path / "stack.pdf"
    stack_pdf(source, shared=False)
    for page in (0, 4):
        with pytest.raises(Refused) as refusal:
            kinds.extract(source, sniff.PDF, [page], tmp_path / "x.pdf", LIMITS)
        assert refusal.value.code == "no-such-page"
