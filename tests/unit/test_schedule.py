from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.core.errors import InvalidInput
from archive_app.core.reference import Certainty, Outcome, RetentionRule, Trigger
from retention.schedule import Due, DueState, TriggerDates, due, due_of_case

YEARS = st.sampled_from([5, 10, 30, 50, 100])
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 12, 31))
TRIGGERS = st.sampled_from(list(Trigger))


def a_rule(years: int | None = 10, *, trigger: Trigger = Trigger.FORMED, code: str | None = None) -> RetentionRule:
    return RetentionRule(
        code=code or ("Y" if years is None else f"D{years}"),
        zh="期限",
        en="Term",
        basis="令第3号附件",
        certainty=Certainty.SEEN,
        years=years,
        trigger=trigger,
        outcome=Outcome.KEEP if years is None else Outcome.APPRAISE_DESTROY,
    )


def dates_of(trigger: Trigger, day: date) -> TriggerDates:
    return TriggerDates(
        formed_on=day,
        agreement_ended_on=day if trigger is Trigger.AGREEMENT_ENDED else None,
        case_closed_on=day if trigger is Trigger.CASE_CLOSED else None,
    )


@pytest.mark.parametrize(
    ("formed_on", "expected"),
    [
        (date(2014, 5, 20), date(2025, 1, 1)),
        (date(2014, 12, 31), date(2025, 1, 1)),
        (date(2015, 1, 1), date(2026, 1, 1)),
        (date(2016, 2, 29), date(2027, 1, 1)),
    ],
)
def test_ten_years_run_from_new_year_after_formation_and_are_due_the_day_after_they_end(
    formed_on: date, expected: date
):
    answer = due(a_rule(10), formed_on=formed_on)
    assert answer == Due(
        rule="D10",
        basis="令第3号附件",
        trigger=Trigger.FORMED,
        from_=date(formed_on.year + 1, 1, 1),
        due=expected,
        outcome=Outcome.APPRAISE_DESTROY,
        state=DueState.DATED,
    )


@given(day=DAYS, years=YEARS, trigger=TRIGGERS)
def test_a_period_is_never_shorter_than_its_years_nor_longer_by_more_than_one(day: date, years: int, trigger: Trigger):
    dates = dates_of(trigger, day)
    answer = due(
        a_rule(years, trigger=trigger),
        formed_on=dates.formed_on,
        agreement_ended_on=dates.agreement_ended_on,
        case_closed_on=dates.case_closed_on,
    )
    assert answer.due is not None
    assert answer.due > date(day.year + years, 12, 31)
    assert answer.due == date(day.year + years + 1, 1, 1)
    assert answer.due - timedelta(days=1) == date(day.year + years, 12, 31)


@given(first=DAYS, second=DAYS, years=YEARS)
def test_what_is_formed_later_is_never_due_earlier(first: date, second: date, years: int):
    earlier, later = sorted([first, second])
    one = due(a_rule(years), formed_on=earlier).due
    other = due(a_rule(years), formed_on=later).due
    assert one is not None
    assert other is not None
    assert one <= other


@given(day=st.none() | DAYS, trigger=TRIGGERS)
def test_a_permanent_record_is_never_due(day: date | None, trigger: Trigger):
    answer = due(a_rule(None, trigger=trigger), formed_on=day)
    assert (answer.due, answer.state, answer.outcome) == (None, DueState.PERMANENT, Outcome.KEEP)


@pytest.mark.parametrize("trigger", [Trigger.AGREEMENT_ENDED, Trigger.CASE_CLOSED])
def test_a_period_waits_for_the_event_that_starts_it(trigger: Trigger):
    answer = due(a_rule(30, trigger=trigger), formed_on=date(2020, 1, 1))
    assert (answer.state, answer.from_, answer.due) == (DueState.WAITING, None, None)


@pytest.mark.parametrize("trigger", [Trigger.FORMED, Trigger.FISCAL_YEAR_ENDED])
def test_a_record_without_a_day_of_formation_is_undated_and_not_due(trigger: Trigger):
    answer = due(a_rule(30, trigger=trigger), formed_on=None)
    assert (answer.state, answer.from_, answer.due) == (DueState.UNDATED, None, None)


def test_an_agreement_counts_from_its_end_and_not_from_its_signing():
    answer = due(
        a_rule(30, trigger=Trigger.AGREEMENT_ENDED), formed_on=date(2020, 1, 3), agreement_ended_on=date(2022, 12, 31)
    )
    assert (answer.from_, answer.due) == (date(2023, 1, 1), date(2053, 1, 1))


def test_a_paper_formed_after_the_case_closed_counts_from_its_own_day():
    answer = due(a_rule(30, trigger=Trigger.CASE_CLOSED), formed_on=date(2024, 3, 1), case_closed_on=date(2022, 12, 31))
    assert answer.from_ == date(2025, 1, 1)


def test_accounting_records_count_from_the_day_after_the_calendar_year_where_no_other_year_is_given():
    answer = due(a_rule(30, trigger=Trigger.FISCAL_YEAR_ENDED), formed_on=date(2024, 6, 30))
    assert (answer.from_, answer.due) == (date(2025, 1, 1), date(2055, 1, 1))


@pytest.mark.parametrize(
    ("ended", "from_", "end"),
    [
        (date(2024, 3, 31), date(2024, 4, 1), date(2054, 4, 1)),
        (date(2024, 12, 31), date(2025, 1, 1), date(2055, 1, 1)),
        (date(2024, 2, 28), date(2024, 2, 29), date(2054, 3, 1)),
    ],
)
def test_another_accounting_year_counts_from_the_day_after_its_own_end(ended: date, from_: date, end: date):
    answer = due(a_rule(30, trigger=Trigger.FISCAL_YEAR_ENDED), formed_on=date(2024, 1, 15), fiscal_year_ended_on=ended)
    assert (answer.from_, answer.due) == (from_, end)


@pytest.mark.parametrize("formed_on", [date(9950, 1, 1), date(9999, 12, 31)])
def test_a_day_too_far_ahead_to_count_from_is_refused_by_name(formed_on: date):
    with pytest.raises(InvalidInput) as refused:
        due(a_rule(50), formed_on=formed_on)
    assert refused.value.code == "date-out-of-range"


def test_a_case_file_takes_the_longest_term_from_the_latest_formation():
    answer = due_of_case(
        [
            (a_rule(30), TriggerDates(formed_on=date(2015, 4, 1))),
            (a_rule(10), TriggerDates(formed_on=date(2019, 4, 1))),
        ]
    )
    assert (answer.rule, answer.from_, answer.due) == ("D30", date(2020, 1, 1), date(2050, 1, 1))


@given(records=st.lists(st.tuples(YEARS | st.none(), DAYS, TRIGGERS), min_size=1, max_size=8), data=st.data())
def test_a_case_file_is_never_due_before_any_of_its_records_whatever_their_order(
    records: list[tuple[int | None, date, Trigger]], data: st.DataObject
):
    members = [(a_rule(years, trigger=trigger), dates_of(trigger, day)) for years, day, trigger in records]
    whole = due_of_case(members)
    assert due_of_case(data.draw(st.permutations(members))).due == whole.due
    for member in members:
        alone = due_of_case([member])
        assert whole.due is None or (alone.due is not None and alone.due <= whole.due)
    assert (whole.due is None) == any(years is None for years, _, _ in records)


def test_a_case_file_with_an_undated_record_has_no_due_day():
    answer = due_of_case(
        [
            (a_rule(30), TriggerDates(formed_on=date(2015, 4, 1))),
            (a_rule(10), TriggerDates(formed_on=None)),
            (a_rule(10, trigger=Trigger.CASE_CLOSED), TriggerDates(formed_on=date(2015, 4, 1))),
        ]
    )
    assert (answer.state, answer.due) == (DueState.UNDATED, None)


def test_a_case_file_with_an_open_agreement_waits():
    answer = due_of_case(
        [
            (a_rule(10), TriggerDates(formed_on=date(2015, 4, 1))),
            (a_rule(30, trigger=Trigger.AGREEMENT_ENDED), TriggerDates(formed_on=date(2015, 4, 1))),
        ]
    )
    assert (answer.state, answer.due) == (DueState.WAITING, None)


def test_an_empty_case_file_has_no_answer():
    with pytest.raises(InvalidInput) as refused:
        due_of_case([])
    assert refused.value.code == "empty-case-file"
