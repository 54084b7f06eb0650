"""What every page template promises, read from the files: Chinese for each text, no inline code, a token per form."""

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment

from archive_app.places import templates_folder, translations_folder
from archive_app.web import frame, home

TEMPLATES = sorted(templates_folder().rglob("*.html"))
STATIC = Path(frame.__file__).parent / "static"
CHINESE = translations_folder() / "zh" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def _name(path: Path) -> str:
    return str(path.relative_to(templates_folder()))


every_template = pytest.mark.parametrize("path", TEMPLATES, ids=_name)


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    with (CHINESE / "messages.po").open("rb") as file:
        return read_po(file, locale="zh")


def _texts(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for _, message, _, _ in extract("jinja2.ext:babel_extract", file, options={"trim_blocks": "true"}):
            yield from message if isinstance(message, tuple) else (message,)


def _titles_from_code() -> set[str]:
    """Rail entries, and the titles of the lines of work: the English texts that Python hands to the templates."""
    titles = {title for title, *_ in frame._RAIL}
    for node in ast.walk(ast.parse(Path(home.__file__).read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = {"Waiting": 0, "_records_waiting": 1}.get(node.func.id)
            title = None if place is None else node.args[place]
            if isinstance(title, ast.Constant):
                titles.add(str(title.value))
    return titles


@every_template
def test_every_text_of_a_template_is_said_in_chinese(path: Path, chinese: Catalog) -> None:
    assert [text for text in _texts(path) if text not in chinese or not chinese[text].string] == []


def test_titles_that_come_from_code_are_said_in_chinese(chinese: Catalog) -> None:
    titles = _titles_from_code()
    assert {"Workbench", "To review", "Open batches"} <= titles
    assert [title for title in titles if title not in chinese or not chinese[title].string] == []


def test_a_translation_keeps_the_places_for_values(chinese: Catalog) -> None:
    differing = [
        message.id
        for message in chinese
        if message.id
        and sorted(PLACEHOLDER.findall(str(message.id))) != sorted(PLACEHOLDER.findall(str(message.string)))
    ]
    assert differing == []


def test_the_compiled_catalogue_is_the_written_one(chinese: Catalog) -> None:
    """After a change of the `.po`: `pybabel compile -d archive_app/translations`, and commit the `.mo`."""
    compiled = BytesIO()
    write_mo(compiled, chinese)
    compiled.seek(0)
    with (CHINESE / "messages.mo").open("rb") as file:
        kept = {message.id: message.string for message in read_mo(file) if message.id}
    assert kept == {message.id: message.string for message in read_mo(compiled) if message.id}


@every_template
def test_a_template_can_be_parsed(path: Path) -> None:
    Environment(autoescape=True).parse(path.read_text("utf-8"))


@every_template
def test_no_chinese_mark_stands_in_the_markup(path: Path) -> None:
    """It would stand between English words as well: `between` gives the mark of the page's language."""
    assert re.findall(r"[、；，。：（）]", path.read_text("utf-8")) == []


@every_template
def test_no_style_or_script_stands_in_the_markup(path: Path) -> None:
    """The content security policy refuses them, so they would silently not work."""
    text = path.read_text("utf-8")
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text) == []
    scripts = re.findall(r"<script\b[^>]*>", text)
    assert [tag for tag in scripts if " src=" not in tag and "application/json" not in tag] == []


@every_template
def test_every_form_that_posts_carries_the_token(path: Path) -> None:
    text = path.read_text("utf-8")
    forms = re.findall(r"<form\b[^>]*method=\"post\".*?</form>", text, re.DOTALL)
    assert [form[:120] for form in forms if "csrf_token" not in form and "keep(" not in form] == []


@every_template
def test_icons_and_assets_that_are_named_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    sprite = set(re.findall(r"<symbol id=\"([\w-]+)\"", (STATIC / "icons.svg").read_text("utf-8")))
    assert set(re.findall(r"\bicon\('([\w-]+)'\)", text)) <= sprite
    assert [one for one in re.findall(r"\basset\('([^']+)'\)", text) if not (STATIC / one).is_file()] == []


def test_the_rail_has_its_icons() -> None:
    sprite = (STATIC / "icons.svg").read_text("utf-8")
    assert [icon for _, _, icon, _ in frame._RAIL if f'id="{icon}"' not in sprite] == []
