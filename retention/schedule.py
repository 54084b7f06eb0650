"""When a record's retention period (保管期限) ends and what is foreseen then: pure arithmetic over rule and dates.

A period runs in whole years from 1 January of the year after the event that starts it, so that only the year of the
event counts (令第3号, 2009); accounting records run from the day after their accounting year ends (令第79号, 2015). No
date is guessed: what is not known yet is a state of the answer. The end of a period permits appraisal, it destroys
nothing.
"""

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta

from archive_app.core.errors import InvalidInput
from archive_app.core.reference import Outcome, RetentionRule, Trigger


class DueState(enum.StrEnum):
    """Whether the end of the period is known, and if not, why."""

    DATED = "dated"  # 已定
    PERMANENT = "permanent"  # 永久
    WAITING = "waiting"  # 待起算: the event that starts the period is not recorded yet
    UNDATED = "undated"  # 形成日期不明


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerDates:
    """The days of the events that start periods, as far as they are known.

    `formed_on` is the day the business was completed, else of the last signature, else of the document; never the day
    of scanning. `fiscal_year_ended_on` is only needed where the accounting year is not the calendar year.
    """

    formed_on: date | None
    agreement_ended_on: date | None = None
    fiscal_year_ended_on: date | None = None
    case_closed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The end of a period, with what it follows from.

    `from_` is the first day of the period, `due` the first day on which appraisal may start: the day after the last
    day of the period. `due` is given in the state `dated` only, `from_` also in `permanent` where the start is known.
    """

    rule: str
    basis: str
    trigger: Trigger
    from_: date | None
    due: date | None
    outcome: Outcome
    state: DueState


def due(
    rule: RetentionRule,
    *,
    formed_on: date | None,
    agreement_ended_on: date | None = None,
    fiscal_year_ended_on: date | None = None,
    case_closed_on: date | None = None,
) -> Due:
    """When a record under this rule is due.

    An agreement or case that goes on after its end (a paper formed later) is counted from the later day. Raises
    `InvalidInput("date-out-of-range")` if a date lies so far ahead that the period cannot be counted.
    """
    dates = TriggerDates(
        formed_on=formed_on,
        agreement_ended_on=agreement_ended_on,
        fiscal_year_ended_on=fiscal_year_ended_on,
        case_closed_on=case_closed_on,
    )
    return _due(rule, start=_start(rule.trigger, dates))


def due_of_case(members: Iterable[tuple[RetentionRule, TriggerDates]]) -> Due:
    """When a case file (案卷) is due: longest term of its records, counted from the latest start among them.

    While the start of one record is not known, the whole file is not dated; a permanent record makes it permanent.
    Raises `InvalidInput("empty-case-file")` for no records.
    """
    records = list(members)
    if not records:
        raise InvalidInput("empty-case-file")
    governing = max((rule for rule, _ in records), key=lambda rule: (_term(rule), rule.code))
    starts = [_start(rule.trigger, dates) for rule, dates in records]
    unknown = [start for start in starts if isinstance(start, DueState)]
    known = [start for start in starts if not isinstance(start, DueState)]
    if unknown:
        return _due(governing, start=DueState.UNDATED if DueState.UNDATED in unknown else DueState.WAITING)
    return _due(governing, start=max(known))


def _due(rule: RetentionRule, *, start: date | DueState) -> Due:
    first_day = None if isinstance(start, DueState) else start
    state, end = start if isinstance(start, DueState) else DueState.DATED, None
    if rule.years is None:
        state = DueState.PERMANENT
    elif first_day is not None:
        end = _years_after(first_day, rule.years)
    return Due(
        rule=rule.code,
        basis=rule.basis,
        trigger=rule.trigger,
        from_=first_day,
        due=end,
        outcome=rule.outcome,
        state=state,
    )


def _term(rule: RetentionRule) -> float:
    return math.inf if rule.years is None else rule.years


def _start(trigger: Trigger, dates: TriggerDates) -> date | DueState:
    """The first day of the period, or why it is not known."""
    if trigger in {Trigger.FORMED, Trigger.FISCAL_YEAR_ENDED}:
        if trigger is Trigger.FISCAL_YEAR_ENDED and dates.fiscal_year_ended_on is not None:
            return _day_after(dates.fiscal_year_ended_on)
        # 会计法 makes the calendar year the accounting year: the year of formation tells its end.
        return DueState.UNDATED if dates.formed_on is None else _next_new_year(dates.formed_on)
    ended = dates.agreement_ended_on if trigger is Trigger.AGREEMENT_ENDED else dates.case_closed_on
    if ended is None:
        return DueState.WAITING
    return _next_new_year(ended if dates.formed_on is None else max(ended, dates.formed_on))


def _next_new_year(day: date) -> date:
    return _day(day.year + 1, 1, 1)


def _day_after(day: date) -> date:
    return _next_new_year(day) if (day.month, day.day) == (12, 31) else day + timedelta(days=1)


def _years_after(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        day += timedelta(days=1)  # never earlier than the full term
    return _day(day.year + years, day.month, day.day)


def _day(year: int, month: int, day: int) -> date:
    if year > MAXYEAR:
        raise InvalidInput("date-out-of-range", year=year)
    return date(year, month, day)
