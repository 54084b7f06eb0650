"""Commands about records, persons and retention: each runs as the person whose token is given."""

import datetime as dt
import typing
from typing import Any

import click

from archive_app import catalogue, due_list, persons
from archive_app.cli.context import Context, personal, with_context
from archive_app.cli.lazy import LazyGroup
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import RecordId, RecordState, Viewer
from retention import filing

if typing.TYPE_CHECKING:
    from archive_app.wiring import Archive

#: By name: the module beside this one, and what `--help` says.
_CHANGES = {
    "correct": ("correcting", "Propose a correction of a filed record; another person approves or refuses it."),
    "insert-page": (
        "correcting",
        "Put the pages of FILE behind page N (0: before the first) of a record that is not filed yet.",
    ),
    "remove-page": ("correcting", "Take page N out of a record that is not filed yet, to be scanned again."),
    "replace-page": ("correcting", "Put the pages of FILE in the place of page N of a record that is not filed yet."),
}


@click.group("record", cls=LazyGroup, elsewhere=_CHANGES)
def record() -> None:
    """Records (件)."""


@record.command("list")
@click.option("--batch")
@click.option("--state", type=click.Choice([state.value for state in RecordState]))
@with_context
def record_list(context: Context, *, batch: str | None, state: str | None) -> None:
    """Records of your scope, all states, no limit."""
    with context.archive() as archive, archive.reading(context.viewer(archive)) as unit:
        rows = catalogue.listing(
            unit,
            archive.tables,
            batch=parse_id(batch, kind="batch") if batch else None,
            state=RecordState(state) if state else None,
        )
    for row in rows:
        context.answer(row, f"{row['code']:34} {row['state']:9} {row['class'] or '—':6} {row['title']}")


@record.command("show")
@click.argument("record_ref", metavar="ID|CODE")
@with_context
def record_show(context: Context, *, record_ref: str) -> None:
    """One record with everything described."""
    with context.archive() as archive, archive.reading(context.viewer(archive)) as unit:
        shown = catalogue.show(unit, catalogue.resolve(unit, record_ref), archive.tables)
    context.answer(shown)


@record.command("confirm")
@click.argument("record_ref", metavar="ID|CODE")
@click.option("--type", "type_code", help="Document type.")
@click.option("--class", "class_code", help="Class, where the type leaves a choice.")
@click.option("--title")
@click.option("--formed-on", help="Date of formation, YYYY-MM-DD.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="A value, `-` as VALUE: standard input.")
@with_context
def record_confirm(
    context: Context,
    *,
    record_ref: str,
    type_code: str | None,
    class_code: str | None,
    title: str | None,
    formed_on: str | None,
    fields: tuple[str, ...],
) -> None:
    """Confirm a description, correcting what is given."""
    from ingest import reviewing  # noqa: PLC0415 - who lists and shows needs nothing that describes

    values: dict[str, str] = {}
    for item in fields:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--field {name}: NAME=VALUE")
        values[name] = personal(value)
    with context.archive() as archive:
        viewer = context.viewer(archive)
        with archive.unit(viewer) as unit:
            row = catalogue.resolve(unit, record_ref)
            correction = reviewing.Correction(
                type_code=type_code, class_code=class_code, title=title,
                formed_on=reviewing.day(formed_on) if formed_on else None, values=values,
            )  # fmt: skip
            reviewing.confirm(unit, row.id, correction, tables=archive.tables, hasher=archive.hasher)
            ident = row.id
        shown = shown_again(archive, viewer, ident)
    context.answer(shown)


def shown_again(archive: "Archive", viewer: Viewer, ident: RecordId) -> dict[str, Any]:
    """The record as it stands after a change; a search finds it so now, or as soon as a living worker did its job."""
    from archive_app.doing import index_alone  # noqa: PLC0415 - as above

    index_alone(archive)
    with archive.reading(viewer) as unit:
        return catalogue.show(unit, catalogue.resolve(unit, str(ident)), archive.tables)


@record.command("file")
@click.argument("record_ref", metavar="ID|CODE")
@with_context
def record_file(context: Context, *, record_ref: str) -> None:
    """File a record: retention rule stamped, archival number given."""
    with context.archive() as archive:
        viewer = context.viewer(archive)
        with archive.unit(viewer) as unit:
            ident = catalogue.resolve(unit, record_ref).id
            filing.file_record(unit, ident, tables=archive.tables)
        shown = shown_again(archive, viewer, ident)
    context.answer(shown, f"filed as {shown['code']}, due {shown['retention']['due'] or 'never (permanent)'}")


@record.command("file-batch")
@click.argument("batch")
@with_context
def record_file_batch(context: Context, *, batch: str) -> None:
    """File every clear record of a batch at once."""
    from archive_app.doing import index_alone  # noqa: PLC0415 - as above

    with context.archive() as archive:
        viewer = context.viewer(archive)
        with archive.unit(viewer) as unit:
            done = filing.file_clear(unit, parse_id(batch, kind="batch"), tables=archive.tables)
        index_alone(archive)
    left = [{"record": str(ident), "reason": reason} for ident, reason in done.left]
    context.answer({"filed": len(done.filed), "left": left}, f"{len(done.filed)} filed, {len(left)} left")


@click.group("person")
def person() -> None:
    """Persons (参保人) and their history."""


@person.command("find")
@click.argument("text", metavar="NUMBER|NAME")
@with_context
def person_find(context: Context, *, text: str) -> None:
    """Persons with this number or name; `-` reads it from standard input."""
    with context.archive() as archive, archive.reading(context.viewer(archive)) as unit:
        lines = persons.find(unit, personal(text), hasher=archive.hasher)
    for line in lines:
        context.answer(line, f"{line['person']}  {line['name'] or '—'}  {line['masked_number'] or '—'}")


@person.command("show")
@click.argument("ident", metavar="ID")
@with_context
def person_show(context: Context, *, ident: str) -> None:
    """Everything about a person, in order of date."""
    with context.archive() as archive, archive.reading(context.viewer(archive)) as unit:
        shown = persons.show(unit, parse_id(ident, kind="person"), archive.tables)
    del shown["coverage_facts"]
    human = [f"{shown['name'] or '—'}  {shown['masked_number'] or '—'}"]
    human += [f"{one['date'] or '日期未详':12} {one['code']:34} {one['title']}" for one in shown["timeline"]]
    context.answer(shown, "\n".join([*human, shown["coverage"]]))


@click.group("retention")
def retention_group() -> None:
    """Retention (保管期限)."""


@retention_group.command("due")
@click.option("--before", type=click.DateTime(["%Y-%m-%d"]), help="Due before this day; otherwise by today.")
@with_context
def retention_due(context: Context, *, before: dt.datetime | None) -> None:
    """Filed records whose retention period has ended, soonest first."""
    day = before.date() if before else None
    with context.archive() as archive, archive.reading(context.viewer(archive)) as unit:
        for row in due_list.due_records(unit, archive.tables, before=day):
            context.answer(row, f"{row['due']}  {row['code']:34} {row['outcome'] or '':10} {row['title']}")


@retention_group.command("explain")
@click.argument("record_ref", metavar="ID|CODE")
@with_context
def retention_explain(context: Context, *, record_ref: str) -> None:
    """Which rule decides about a record, from when, until when, and on what basis."""
    with context.archive() as archive, archive.reading(context.viewer(archive)) as unit:
        facts = filing.explain(unit, catalogue.resolve(unit, record_ref), archive.tables)
    context.answer(facts)


COMMANDS = (record, person, retention_group)
