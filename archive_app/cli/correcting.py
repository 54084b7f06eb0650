"""Commands that change pages before filing, and that propose, list and decide corrections after it."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from archive_app import catalogue, correcting
from archive_app.cli.context import Context, explain, personal, with_context
from archive_app.cli.records import shown_again
from archive_app.core.errors import Refused
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import RecordId, Viewer
from archive_app.correcting import Asked, Upload
from archive_app.doing import index_alone
from archive_app.wiring import Archive
from ingest import page_changes, reviewing
from retention.corrections import PROPOSED

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_REFUSED = 3


@click.command("replace-page")
@click.argument("record_ref", metavar="ID|CODE")
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.argument("file", type=_FILE)
@with_context
def replace_page(context: Context, *, record_ref: str, number: int, file: Path) -> int:
    """Put the pages of FILE in the place of page N of a record that is not filed yet."""
    return _bring_in(context, page_changes.replace_page, record_ref, number, file)


@click.command("insert-page")
@click.argument("record_ref", metavar="ID|CODE")
@click.argument("after", type=click.IntRange(min=0), metavar="N")
@click.argument("file", type=_FILE)
@with_context
def insert_page(context: Context, *, record_ref: str, after: int, file: Path) -> int:
    """Put the pages of FILE behind page N (0: before the first) of a record that is not filed yet."""
    return _bring_in(context, page_changes.insert_pages, record_ref, after, file)


def _bring_in(context: Context, change: page_changes.BringsIn, record_ref: str, place: int, file: Path) -> int:
    with context.archive() as archive:
        viewer = context.viewer(archive)
        ident = _resolved(archive, viewer, record_ref)
        try:
            with file.open("rb") as source:
                change(archive.workshop, viewer, ident, place, source, name=file.name)
        except Refused as refusal:
            explain(refusal, as_json=context.as_json)
            return _REFUSED
        _answer_record(context, archive, viewer, ident)
    return 0


@click.command("remove-page")
@click.argument("record_ref", metavar="ID|CODE")
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.option("--reason", required=True)
@with_context
def remove_page(context: Context, *, record_ref: str, number: int, reason: str) -> None:
    """Take page N out of a record that is not filed yet, to be scanned again."""
    with context.archive() as archive:
        viewer = context.viewer(archive)
        ident = _resolved(archive, viewer, record_ref)
        page_changes.remove_page(archive.workshop, viewer, ident, number, reason=reason)
        _answer_record(context, archive, viewer, ident)


def _resolved(archive: Archive, viewer: Viewer, record_ref: str) -> RecordId:
    with archive.reading(viewer) as unit:
        return catalogue.resolve(unit, record_ref).id


def _answer_record(context: Context, archive: Archive, viewer: Viewer, ident: RecordId) -> None:
    shown = shown_again(archive, viewer, ident)
    context.answer(shown, f"{shown['code']}: {len(shown['pages'])} pages, {shown['state']}")


@click.command("correct")
@click.argument("record_ref", metavar="ID|CODE")
@click.option("--reason", required=True, help="Why; kept with the version.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="A value, `-` as VALUE: standard input.")
@click.option("--title")
@click.option("--formed-on", help="Date of formation, YYYY-MM-DD, within the same year.")
@click.option("--document-number")
@click.option("--class", "class_code", help="Refused, with what to do instead.")
@click.option("--type", "type_code", help="Refused, with what to do instead.")
@click.option("--file", type=_FILE, help="Pages to bring in, with --replace-page or --insert-after.")
@click.option("--replace-page", "replaces", type=click.IntRange(min=1), metavar="N")
@click.option("--insert-after", "after", type=click.IntRange(min=0), metavar="N")
@with_context
def correct(
    context: Context,
    *,
    record_ref: str,
    reason: str,
    fields: tuple[str, ...],
    title: str | None,
    formed_on: str | None,
    document_number: str | None,
    class_code: str | None,
    type_code: str | None,
    file: Path | None,
    replaces: int | None,
    after: int | None,
) -> int:
    """Propose a correction of a filed record; another person approves or refuses it."""
    places = sum(place is not None for place in (replaces, after))
    if places != (0 if file is None else 1):
        raise click.UsageError("--file goes with one of --replace-page N and --insert-after N")
    asked = Asked(
        reason=reason, title=title, formed_on=_day(formed_on), document_number=document_number, values=_values(fields),
        class_code=class_code, type_code=type_code,
    )  # fmt: skip
    with context.archive() as archive:
        viewer = context.viewer(archive)
        ident = _resolved(archive, viewer, record_ref)
        try:
            correction = _propose(archive, viewer, ident, asked, file=file, replaces=replaces, after=after)
        except Refused as refusal:
            explain(refusal, as_json=context.as_json)
            return _REFUSED
        _answer_correction(context, archive, viewer, correction)
    return 0


def _propose(
    archive: Archive,
    viewer: Viewer,
    ident: RecordId,
    asked: Asked,
    *,
    file: Path | None,
    replaces: int | None,
    after: int | None,
) -> UUID:
    person_of = archive.accounts.person_of
    if file is None:
        return correcting.propose(archive.workshop, viewer, ident, asked, person_of=person_of)
    with file.open("rb") as source:
        upload = Upload(source, file.name, after=after, replaces=replaces)
        return correcting.propose(archive.workshop, viewer, ident, asked, person_of=person_of, upload=upload)


def _day(text: str | None) -> dt.date | None:
    return reviewing.day(text) if text else None


def _values(fields: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in fields:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--field {name}: NAME=VALUE")
        values[name] = personal(value)
    return values


@click.group("correction")
def correction() -> None:
    """Corrections after filing (更正)."""


@correction.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are decided.")
@with_context
def correction_list(context: Context, *, everything: bool) -> None:
    """Corrections of your scope that wait for a decision."""
    with context.archive() as archive:
        with archive.reading(context.viewer(archive)) as unit:
            lines = correcting.listing(unit, archive.tables, state=None if everything else PROPOSED)
        for line in lines:
            _answer(context, archive, line)


@correction.command("show")
@click.argument("ident", metavar="ID")
@with_context
def correction_show(context: Context, *, ident: str) -> None:
    """What stood and what is to stand."""
    with context.archive() as archive:
        _answer_correction(context, archive, context.viewer(archive), parse_id(ident, kind="correction"))


@correction.command("approve")
@click.argument("ident", metavar="ID")
@click.option("--remark")
@with_context
def correction_approve(context: Context, *, ident: str, remark: str | None) -> None:
    """Approve another person's proposal: a new version under the same number."""
    with context.archive() as archive:
        viewer = context.viewer(archive)
        decided = parse_id(ident, kind="correction")
        correcting.approve(archive.workshop, viewer, decided, person_of=archive.accounts.person_of, remark=remark)
        index_alone(archive)
        _answer_correction(context, archive, viewer, decided)


@correction.command("refuse")
@click.argument("ident", metavar="ID")
@click.option("--reason", required=True)
@with_context
def correction_refuse(context: Context, *, ident: str, reason: str) -> None:
    """Refuse another person's proposal."""
    with context.archive() as archive:
        viewer = context.viewer(archive)
        decided = parse_id(ident, kind="correction")
        correcting.refuse(archive.workshop, viewer, decided, person_of=archive.accounts.person_of, reason=reason)
        _answer_correction(context, archive, viewer, decided)


@correction.command("withdraw")
@click.argument("ident", metavar="ID")
@with_context
def correction_withdraw(context: Context, *, ident: str) -> None:
    """Take your own proposal back before it is decided."""
    with context.archive() as archive:
        viewer = context.viewer(archive)
        withdrawn = parse_id(ident, kind="correction")
        correcting.withdraw(archive.workshop, viewer, withdrawn, person_of=archive.accounts.person_of)
        _answer_correction(context, archive, viewer, withdrawn)


def _answer_correction(context: Context, archive: Archive, viewer: Viewer, ident: UUID) -> None:
    with archive.reading(viewer) as unit:
        line = correcting.show(unit, archive.tables, ident)
    _answer(context, archive, line)


def _answer(context: Context, archive: Archive, line: Mapping[str, Any]) -> None:
    names = archive.accounts.names(correcting.people([line]))
    answer = {
        **line,
        "proposed_by": names.get(line["proposed_by"]),
        "decided_by": names.get(line["decided_by"]),
        "proposed_at": line["proposed_at"].isoformat(),
        "decided_at": line["decided_at"].isoformat() if line["decided_at"] else None,
    }
    human = [f"{line['id']}  {line['state']:8}  {line['code']}  {answer['proposed_by']}: {line['reason']}"]
    human += [f"    {one['name']}: {one['before'] or '—'} → {one['after'] or '—'}" for one in line["changes"]]
    pages = line["pages"]
    if pages:
        place = f"in place of page {pages['replaces']}" if pages["replaces"] else f"behind page {pages['after']}"
        human.append(f"    {pages['count']} page(s) {place}")
    context.answer(answer, "\n".join(human))


COMMANDS = (replace_page, insert_page, remove_page, correct, correction)
