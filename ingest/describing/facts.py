"""The facts about a record that decide between the classes of its type: in-patient or out-patient, person or unit."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from archive_app.core.reference import Condition
from archive_app.core.vocabulary import PartyKind, PartyRole
from ingest.describing.layout import UprightPage
from ingest.describing.model import FieldValue, PartyMention

#: Words in the title that tell a fact.
_IN_TITLE: Final[Mapping[Condition, re.Pattern[str]]] = {
    Condition.INPATIENT: re.compile("住院|出院"),
    Condition.OUTPATIENT: re.compile("门诊|门急诊|挂号"),
    Condition.PERSON: re.compile("个人|人员|居民|职工"),
    Condition.EMPLOYER: re.compile("单位"),
    Condition.DECLARATION: re.compile("申报|核定"),
    Condition.ARREARS: re.compile("补缴|欠费|退费"),
    Condition.DETAIL: re.compile("明细|汇总|花名册|清单"),
    Condition.VOUCHER: re.compile("凭证|回单"),
    Condition.ANNUAL: re.compile("年度|年报|全年"),
    Condition.PERIODIC: re.compile("月报|季报|月度|季度"),
    Condition.ANALYSIS: re.compile("分析"),
    Condition.BUDGET: re.compile("预算|决算"),
    Condition.MAJOR: re.compile("大案|要案|重大"),
    Condition.SUPERVISION: re.compile("监察"),
    Condition.INTERNAL_CONTROL: re.compile("内部控制|内控"),
}
_INPATIENT_KEYS: Final = frozenset({"ipt_no", "admit_date", "disch_date", "days"})
_OUTPATIENT_KEYS: Final = frozenset({"visit_no"})
_PAID: Final = re.compile("付讫|已报销|已支付|现金付")  # stamped on an original on which money was paid
_COPY: Final = re.compile("复印件|与原件(?:核对)?(?:一致|无误)")


def facts(
    title: str, fields: Sequence[FieldValue], parties: Sequence[PartyMention], pages: Sequence[UprightPage]
) -> frozenset[Condition]:
    """What title, fields and parties tell. A copy of a receipt is no voucher."""
    found = {condition for condition, words in _IN_TITLE.items() if words.search(title)}
    keys = {value.key for value in fields}
    if not found & {Condition.INPATIENT, Condition.OUTPATIENT}:
        if keys & _INPATIENT_KEYS:
            found.add(Condition.INPATIENT)
        elif keys & _OUTPATIENT_KEYS:
            found.add(Condition.OUTPATIENT)
    if not found & {Condition.PERSON, Condition.EMPLOYER}:
        if any(party.role in (PartyRole.SUBJECT, PartyRole.ROSTER) for party in parties):
            found.add(Condition.PERSON)
        elif any(party.kind is PartyKind.EMPLOYER for party in parties):
            found.add(Condition.EMPLOYER)
    if any(_PAID.search(piece.text) for page in pages for piece in page.pieces):
        found.add(Condition.VOUCHER)
    if any(_COPY.search(piece.text) for page in pages for piece in page.pieces):
        found.discard(Condition.VOUCHER)
    return frozenset(found)
