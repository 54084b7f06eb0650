"""Rules between fields: birth date and sex against the number, capitals against figures, sums, the order of dates.

Agreement lifts a repaired number to `repaired`; disagreement makes every field concerned doubtful.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Final

from rapidfuzz.distance import Levenshtein

from archive_app.core.numbers import UnsoundNumberError, citizen_number, parse_date
from archive_app.core.vocabulary import FieldState
from ingest.describing.model import Check, FieldValue

SURE_NUMBER: Final = 0.90  # the engine's confidence below which a citizen number is doubtful
_LONG: Final = 5  # digits
_NEAR: Final = 4  # edits up to which two numbers are readings of one
_CENT: Final = Decimal("0.01")
_ORDERED: Final = (
    ("birth_date", "admit_date", "disch_date", "setl_date"),
    ("apply_date", "accept_date", "review_date", "approve_date"),
    ("effective_from", "effective_to"),
    ("contrib_from", "contrib_to"),
)
#: A total and the parts that make it up; checked only where the total and all parts but the optional ones are there.
_SUMS: Final = (
    ("medfee_sumamt", ("fund_pay_sumamt", "acct_pay", "psn_cash_pay"), ()),
    ("medfee_sumamt", ("hifp_pay", "acct_pay", "psn_cash_pay"), ("hifmi_pay", "hifob_pay", "cvlserv_pay", "maf_pay")),
    ("amount_due", ("emp_due", "psn_due"), ("late_fee",)),
)

Fields = tuple[FieldValue, ...]
Rule = Callable[[Fields], Fields]


def checked(fields: Iterable[FieldValue], *, money_keys: Collection[str], today: date) -> Fields:
    """The same fields with the rules between them applied; the order stays. `money_keys` are the fields of amounts."""
    found = tuple(fields)
    for rule in (
        _occurrences,
        _number_confidence,
        lambda some: _decimals(some, money_keys),
        lambda some: _holder(some, today),
        _capitals,
        _sums,
        _order,
    ):
        found = rule(found)
    return found


def _with(fields: Fields, concerned: Iterable[FieldValue], check: Check) -> Fields:
    """The fields with a check noted on those concerned, which become doubtful if it failed."""
    marked = {id(value) for value in concerned}
    return tuple(
        replace(
            value,
            checks=(*value.checks, check),
            state=value.state if check.passed else FieldState.DOUBTFUL,
        )
        if id(value) in marked
        else value
        for value in fields
    )


def _numbers(fields: Fields) -> list[FieldValue]:
    return [value for value in fields if value.key.endswith("certno")]


def _occurrences(fields: Fields) -> Fields:
    """Readings of one number that differ in a few places make each other doubtful."""
    found = _numbers(fields)
    for one in found:
        near = [
            other
            for other in found
            if other.value != one.value
            and one.row is None
            and other.row is None
            and Levenshtein.distance(one.value, other.value) <= _NEAR
        ]
        if near:
            fields = _with(
                fields, [value for value in fields if value is one], Check("occurrences-agree", passed=False)
            )
    return fields


def _number_confidence(fields: Fields) -> Fields:
    weak = [value for value in _numbers(fields) if value.confidence < SURE_NUMBER]
    return _with(fields, weak, Check("confidence", passed=False)) if weak else fields


def _holder(fields: Fields, today: date) -> Fields:
    """Birth date and sex of the same holder against the citizen number: the subject's, or those of the same row."""
    for row in sorted({value.row for value in fields}, key=lambda row: row or 0):
        number = next((value for value in fields if value.key == "certno" and value.row == row), None)
        if number is None:
            continue
        try:
            holder = citizen_number(number.value, today=today)
        except UnsoundNumberError:
            continue
        number_id = (number.key, number.row, number.box)
        for key, agrees in (("birth_date", _born(holder.birth)), ("sex", _is(holder.sex))):
            for other in [value for value in fields if value.key == key and value.row == row]:
                concerned = [
                    value for value in fields if value is other or (value.key, value.row, value.box) == number_id
                ]
                passed = agrees(other.value)
                fields = _with(fields, concerned, Check(f"{key.replace('_', '-')}-agrees", passed))
                if passed and key == "birth_date":
                    fields = _lift_repaired(fields, number_id)
    return fields


def _born(birth: date) -> Callable[[str], bool]:
    def agrees(text: str) -> bool:
        written = parse_date(text)
        return written is not None and written.agrees_with(birth)

    return agrees


def _is(sex: str) -> Callable[[str], bool]:
    return lambda text: text == sex


def _lift_repaired(fields: Fields, number_id: tuple[str, int | None, tuple[int, int, int, int]]) -> Fields:
    """A number whose only fault was its spelling, and that agrees with the birth date, counts as repaired."""
    return tuple(
        replace(value, state=FieldState.REPAIRED)
        if (value.key, value.row, value.box) == number_id
        and value.state is FieldState.DOUBTFUL
        and [check.id for check in value.checks if not check.passed] == ["form"]
        and value.confidence >= SURE_NUMBER
        else value
        for value in fields
    )


def _decimal(value: FieldValue) -> Decimal | None:
    try:
        return Decimal(value.value)
    except InvalidOperation:
        return None


def _decimals(fields: Fields, money_keys: Collection[str]) -> Fields:
    """A long amount without decimals among amounts with two: its point may have been lost."""
    money = [value for value in fields if value.key in money_keys]
    pointed = [value for value in money if "." in value.value]
    bare = [value for value in money if "." not in value.value and len(value.value) >= _LONG]
    return _with(fields, bare, Check("decimals-alike", passed=False)) if len(pointed) > len(bare) else fields


def _only(fields: Fields, key: str) -> FieldValue | None:
    """The value of a key that stands once outside tables, or several times alike."""
    found = [value for value in fields if value.key == key and value.row is None]
    return found[0] if found and len({value.value for value in found}) == 1 else None


def _capitals(fields: Fields) -> Fields:
    """The amount in capitals is one of the amounts in figures, or that of its own label where one is.

    A field that took the capitals over, because they stand behind its label, says nothing of its own.
    """
    words = _only(fields, "sumamt_words")
    if words is None or (said := _decimal(words)) is None:
        return fields
    totals = [value for value in fields if value.row is None and value.key in _TOTALS]
    taken_over = [value for value in totals if value.as_read == words.as_read]
    figures = [value for value in totals if value.as_read != words.as_read]
    agreeing = [value for value in figures if _decimal(value) == said]
    if agreeing:
        fields = _with(fields, [words, *taken_over, *agreeing], Check("capitals-agree", passed=True))
        boxes = {(value.key, value.box) for value in agreeing}
        return tuple(
            replace(value, state=FieldState.REPAIRED)
            if (value.key, value.box) in boxes and value.state is FieldState.DOUBTFUL
            else value
            for value in fields
        )
    labels = {value.key for value in taken_over}
    differing = [value for value in figures if not labels or value.key in labels]
    if not differing:
        return fields
    return _with(fields, [words, *taken_over, *differing], Check("capitals-agree", passed=False))


_TOTALS: Final = frozenset({"medfee_sumamt", "fund_pay_sumamt", "pay_amt", "amount_due", "amount", "psn_cash_pay"})


def _sums(fields: Fields) -> Fields:
    for total_key, part_keys, optional in _SUMS:
        total, parts = _only(fields, total_key), [_only(fields, key) for key in part_keys]
        if total is None or any(value is None for value in parts):
            continue
        concerned = [total, *(value for value in parts if value), *(v for k in optional if (v := _only(fields, k)))]
        amounts = [_decimal(value) for value in concerned]
        if any(amount is None for amount in amounts):
            continue
        whole, *rest = [amount for amount in amounts if amount is not None]
        passed = abs(whole - sum(rest, Decimal(0))) <= _CENT
        fields = _with(fields, concerned, Check("sum", passed))
    return fields


def _order(fields: Fields) -> Fields:
    for keys in _ORDERED:
        dated = [
            (written, value) for key in keys if (value := _only(fields, key)) and (written := parse_date(value.value))
        ]
        for (earlier, one), (later, other) in pairwise(dated):
            passed = (earlier.year, earlier.month, earlier.day or 0) <= (later.year, later.month, later.day or 31)
            current = [
                value for value in fields if (value.key, value.box) in {(one.key, one.box), (other.key, other.box)}
            ]
            fields = _with(fields, current, Check("date-order", passed))
    return fields
