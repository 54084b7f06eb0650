from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.core.archival_number import (
    ArchivalNumber,
    SeriesKey,
    build,
    check_templates,
    is_provisional,
    normalise,
    parse,
    provisional,
    recognise,
    template_for,
)
from archive_app.core.errors import InvalidInput
from archive_app.core.reference import NumberPattern, ReferenceTables, Table
from archive_app.core.vocabulary import RecordId

TABLES = ReferenceTables.bundled()
PATTERNS = TABLES.number_patterns
ITEM = "{fonds}-ZY·{class}·{year}·{ret}-{item:05d}"

CLASS_CODES = st.sampled_from([node.code for node in TABLES.classes if node.rule is not None])
FONDS = st.from_regex(r"[A-Z0-9]{1,16}", fullmatch=True)
RUNNING = st.integers(min_value=1, max_value=10_000_000)


@st.composite
def numbers(draw: st.DrawFn) -> ArchivalNumber:
    node = TABLES.classes.of(draw(CLASS_CODES))
    series = SeriesKey.of(
        draw(FONDS),
        node=node,
        rule=TABLES.rule_for(node.code),
        year=draw(st.integers(min_value=1949, max_value=2150)),
        file=draw(st.none() | RUNNING),
    )
    return ArchivalNumber(series=series, item=draw(RUNNING))


def a_number(item: int = 37, *, group: str = "YB04", file: int | None = None) -> ArchivalNumber:
    series = SeriesKey(fonds="J019", category="ZY", group=group, year=2024, period="D10", file=file)
    return ArchivalNumber(series=series, item=item)


def test_the_default_number_is_written_by_item_with_five_digits():
    assert (
        build(a_number(), template=template_for(a_number().series, patterns=PATTERNS)) == "J019-ZY·YB04·2024·D10-00037"
    )


def test_an_item_of_a_case_file_is_written_with_the_number_of_its_file():
    number = a_number(3, group="YB03", file=12)
    template = template_for(number.series, patterns=PATTERNS)
    assert build(number, template=template) == "J019-ZY·YB03·2024·D10-0012-003"


def test_accounting_records_are_numbered_by_form_whatever_class_they_were_filed_in():
    keys = {
        SeriesKey.of("J019", node=TABLES.classes.of(code), rule=TABLES.rule_for(code), year=2024)
        for code in ("KU01", "YB05", "ZJ03")
    }
    assert {str(key) for key in keys} == {"J019-KU·01·2024·D30"}


@given(number=numbers())
def test_what_is_built_is_parsed_back_unchanged(number: ArchivalNumber):
    template = template_for(number.series, patterns=PATTERNS)
    assert parse(build(number, template=template), template=template) == number


@pytest.mark.parametrize("code", ["item", "case-file", "accounting", "accounting-item"])
def test_the_examples_of_the_bundled_templates_are_what_the_templates_write(code: str):
    pattern = PATTERNS.of(code)
    assert pattern.template is not None
    for example in pattern.examples:
        assert build(parse(example, template=pattern.template), template=pattern.template) == example


@given(one=numbers(), other=numbers())
def test_different_numbers_are_never_written_alike(one: ArchivalNumber, other: ArchivalNumber):
    def written(number: ArchivalNumber) -> str:
        return build(number, template=template_for(number.series, patterns=PATTERNS))

    assert (written(one) == written(other)) == (one == other)


@given(number=numbers())
def test_a_number_read_with_other_dots_dashes_and_wide_letters_is_the_same_number(number: ArchivalNumber):
    template = template_for(number.series, patterns=PATTERNS)
    misread = build(number, template=template).replace("·", "•", 1).replace("·", ".").replace("-", "—")
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isascii() else letter for letter in misread)
    assert parse(misread, template=template) == number
    assert parse(f" {wide} ", template=template) == number


@pytest.mark.parametrize(
    "text",
    [
        "J019-ZY·YB04·2024·D10-37",
        "J019-ZY·YB04·2024·D10-00000",
        "J019-ZY·YB04·2024·D10-000037",
        "J019-KU·01·2024·D10-00037",
        "J019-ZY·YB04·1024·D10-00037",
        "P-ABCDEFGHIJKLM",
        "",
    ],
)
def test_a_text_that_the_template_would_never_write_is_no_number(text: str):
    with pytest.raises(InvalidInput) as refused:
        parse(text, template=ITEM)
    assert refused.value.code == "archival-number"


def test_every_part_that_cannot_be_written_is_named_at_once():
    series = SeriesKey(fonds="j019", category="KU", group="YB-04", year=24, period="D0", file=2)
    with pytest.raises(InvalidInput) as refused:
        build(ArchivalNumber(series=series, item=0), template=ITEM)
    assert refused.value.parameters == {
        "fonds": "form",
        "class": "form",
        "year": "form",
        "ret": "form",
        "item": "below-one",
        "file": "no-place-in-template",
        "category": "other-than-template",
    }


def test_a_number_without_its_file_is_not_written_by_file():
    with pytest.raises(InvalidInput) as refused:
        build(a_number(), template="{fonds}-ZY·{class}·{year}·{ret}-{file:04d}-{item:03d}")
    assert refused.value.parameters == {"file": "missing"}


def with_template(code: str, template: str | None) -> Table[NumberPattern]:
    entries = [replace(entry, template=template) if entry.code == code else entry for entry in PATTERNS]
    return replace(PATTERNS, entries=tuple(entries))


@pytest.mark.parametrize(
    ("code", "template", "reason"),
    [
        ("item", "{fonds}-ZY·{class}·{year}-{item:05d}", "template: a-part-of-the-series-has-no-place"),
        ("item", "{fonds}-ZY·{year}·{ret}-{item:05d}", "template: a-part-of-the-series-has-no-place"),
        ("item", "{fonds}·{class}·{year}·{ret}-{item:05d}", "template: a-part-of-the-series-has-no-place"),
        ("item", "{fonds}-ZY·{class}·{year}·{ret}-{item:05d}-{item:05d}", "item: unknown-or-twice"),
        ("item", "{fonds}-ZY·{class}·{year}·{ret}-{office}-{item:05d}", "office: unknown-or-twice"),
        ("item", "{fonds}-ZY·{class}·{year}·{ret}-{file}-{item:05d}", "file: not-of-this-pattern"),
        ("case-file", "{fonds}-ZY·{class}·{year}·{ret}-{item:05d}", "file: no-place-in-template"),
        ("item", "{fonds}-KU·{class}·{year}·{ret}-{item:05d}", "category: other-than-template"),
        ("accounting-item", "{fonds}-ZY·{form}·{year}·{ret}-{item:05d}", "category: other-than-template"),
        ("item", "{fonds}-ZY·{class}·{year}·{ret}-{item:5d}", "item: width"),
        ("item", "{fonds}-ZY·{class}·{year}·{ret}-{item:05x}", "item: width"),
        ("item", "{fonds}-ZY·{class:>9}·{year}·{ret}-{item:05d}", "class: width"),
        ("item", "{fonds}-ZY·{class}·{year!r}·{ret}-{item:05d}", "year: width"),
        ("item", "{fonds}-ZY·{class}·{year}·{ret}-{item:05d", "template: not-a-template"),
        ("accounting", None, "missing"),
    ],
)
def test_a_template_that_could_not_number_records_one_by_one_is_refused_with_its_table(
    code: str, template: str | None, reason: str
):
    with pytest.raises(InvalidInput) as refused:
        check_templates(with_template(code, template))
    assert (refused.value.code, refused.value.parameters) == (
        "reference-faults",
        {f"number_patterns[{code}].template": reason},
    )


def test_the_bundled_templates_number_records():
    check_templates(PATTERNS)


@given(st.uuids(), st.uuids())
def test_a_provisional_number_belongs_to_one_record_and_is_no_archival_number(one: UUID, other: UUID):
    code = provisional(RecordId(one))
    assert is_provisional(code)
    assert len(code) == 15
    assert recognise(code, patterns=PATTERNS) is None
    assert (code == provisional(RecordId(other))) == (one.int % 2**63 == other.int % 2**63)


@pytest.mark.parametrize(
    ("text", "pattern", "parts"),
    [
        (
            "Z109-WS·2011-Y-BGS-0001",
            "da22",
            {"fonds": "Z109", "category": "WS", "year": "2011", "ret": "Y", "unit": "BGS", "item": "0001"},
        ),
        (
            "Z109-WS•2011•Y•办公室-0001",
            "da13i",
            {"fonds": "Z109", "category": "WS", "year": "2011", "ret": "Y", "unit": "办公室", "item": "0001"},
        ),
        (
            "J019-ZY·JC·CC·2019·D30-001-001",
            "da13f",
            {
                "fonds": "J019",
                "category": "ZY·JC·CC",
                "year": "2019",
                "ret": "D30",
                "file": "001",
                "item": "001",
            },
        ),
        (
            "J019-KU·01·2017-001-001",
            "da13f",
            {"fonds": "J019", "category": "KU·01", "year": "2017", "file": "001", "item": "001"},
        ),
        (
            "C038-001-002-003",
            "cat94",
            {"fonds": "C038", "catalogue": "001", "file": "002", "item": "003"},
        ),
    ],
)
def test_numbers_of_other_rules_are_recognised_with_their_parts(text: str, pattern: str, parts: dict[str, str]):
    found = recognise(text, patterns=PATTERNS)
    assert found is not None
    assert (found.pattern, dict(found.parts)) == (pattern, parts)


@pytest.mark.parametrize("text", ["2024-08-05", "110105-1949-1231-002", "Z109-WS·2011", "13800000000"])
def test_dates_and_other_numbers_are_no_archival_numbers(text: str):
    assert recognise(text, patterns=PATTERNS) is None


@given(st.text(max_size=40))
def test_normalising_twice_is_normalising_once(text: str):
    assert normalise(normalise(text)) == normalise(text)
