"""The search as a command."""

import click

from archive_app.cli.context import Context, personal, with_context
from archive_app.disclosure import masker
from search.find import CONTINUED, Question, as_json, find


@click.command("search")
@click.argument("query")
@click.option("--filter", "filters", multiple=True, metavar="KEY=VALUE")
@click.option("--size", type=int, default=20, show_default=True)
@click.option("--after")
@click.option("--order", type=click.Choice(["best", "newest"]), default="best", show_default=True)
@with_context
def search(context: Context, *, query: str, filters: tuple[str, ...], size: int, after: str | None, order: str) -> None:
    """Find records: words, "exact phrases", numbers. `-` as QUERY reads it from standard input."""
    chosen: dict[str, tuple[str, ...]] = {}
    for item in filters:
        key, equals, value = item.partition("=")
        if not equals:
            raise click.UsageError("--filter KEY=VALUE")
        chosen[key] = (*chosen.get(key, ()), value)
    with context.archive() as archive:
        viewer = context.viewer(archive)
        question = Question(personal(query), chosen, size, after, order)
        found = find(
            archive.reading, archive.index, question, viewer=viewer, hasher=archive.hasher,
            masker=masker(viewer, archive.tables),
        )  # fmt: skip
    answer = as_json(found)
    human = [f"{found.total} found"]
    if found.degraded == CONTINUED:
        human.append("a list looked up by number and name goes on as it began; search again for words on pages")
    elif found.degraded:
        human.append("full-text search does not answer now: looked up by number and name in the database")
    for hit in answer["hits"]:
        human.append(f"{hit['code']:34} {hit['title']}")
        human += [f"    … {text} …" for text in hit["snippets"]]
    context.answer(answer, "\n".join(human))


COMMANDS = (search,)
