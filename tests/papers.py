"""Grey papers that an engine reads by their shade: cheap pages whose text tells them apart."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from factories import StoppedClock, a_user, a_viewer, an_archive, the_fonds
from PIL import Image

from archive_app.core.model import Record
from archive_app.core.ports import Bitmap, OcrEngine, OcrIdentity, OcrLine, OcrPage
from archive_app.core.vocabulary import Level, RecordId, RecordState, Viewer
from archive_app.wiring import Archive
from archive_app.worker import Worker
from ingest import intake

SIZE = (60, 80)


class ShadeReader:
    """`OcrEngine` that says how bright the page is, as a line of text."""

    @property
    def identity(self) -> OcrIdentity:
        return OcrIdentity("shade", "1", "", "{}")

    def read(self, image: Bitmap) -> OcrPage:
        shade = round(float(np.mean(image)))
        return OcrPage(self.identity, 0, (OcrLine(f"住院费用结算单 灰度{shade}", (4, 4, 50, 10), 0.99),))


def shade_engine(_name: str) -> OcrEngine:
    return ShadeReader()


def a_paper(*shades: int) -> io.BytesIO:
    """A file with a page of each shade: PNG for one, TIFF for several."""
    pages = [Image.new("RGB", SIZE, (shade, shade, shade)) for shade in shades]
    out = io.BytesIO()
    if len(pages) == 1:
        pages[0].save(out, "PNG")
    else:
        pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    out.seek(0)
    return out


def a_reading_archive(folder: Path) -> Archive:
    """An installed archive whose engine is `ShadeReader`."""
    first = an_archive(folder)
    settings = first.settings
    first.close()
    archive = Archive(settings, engines=shade_engine)
    archive.clock = StoppedClock()
    return archive


def an_archivist(archive: Archive) -> Viewer:
    fonds = (the_fonds(archive), the_fonds(archive, "J002"))
    return a_viewer(fonds=fonds, codes=("J001", "J002"), clearance=Level.HIGHLY_SENSITIVE, user_id=a_user(archive))


def work(archive: Archive) -> None:
    """Do all jobs there are."""
    worker = Worker(archive)
    while worker.step():
        continue
    archive.queue.release_lane(worker.name)  # the clock stands still: the lease would never end


def taken_in(archive: Archive, by: Viewer, papers: Sequence[tuple[str, io.BytesIO]]) -> list[RecordId]:
    """The records of these files, read and described."""
    with archive.unit(by) as unit:
        batch = intake.open_batch(unit, fonds_id=the_fonds(archive)).id
    for name, paper in papers:
        intake.receive(archive.workshop, by, batch, paper, path=name)
    work(archive)
    with archive.reading(by) as unit:
        living = sa.select(Record.id).where(Record.batch_id == batch, Record.state != RecordState.WITHDRAWN)
        return [row[0] for row in unit.rows(living.order_by(Record.created_at, Record.code))]
