"""What must not pass by itself: papers that a person has to look at, and files that are refused."""

import re
from dataclasses import replace
from decimal import Decimal

from tests.samples.generator import benefits, contributions, enrolment, filings, institutions
from tests.samples.generator.degrade import Wear
from tests.samples.generator.demo_office import CAST, desk, stay
from tests.samples.generator.drawing import Text
from tests.samples.generator.form import Paper
from tests.samples.generator.plan import SampleFile

_DATES = re.compile(r"\d{4}(?:年\d{1,2}月\d{1,2}日|-\d\d-\d\d|\.\d\d\.\d\d)")


def files() -> list[SampleFile]:
    """The box of doubtful papers, and the files to be refused."""
    p, h, box = CAST.people, CAST.hospitals, "J019/box-05"
    pneumonia = stay(0, "2020-07-01", 5, "呼吸内科", "肺炎", "J18.900", "4388.20", "3060.00")
    poor = filings.chronic(desk("J019", 0, 71, "2016-05-05"), p[4], h[0], disease="高血压", code="M03900")
    wrong = filings.referral(
        desk("J019", 3, 72, "2020-08-03", 1), p[5], h[0], h[3], diagnosis="甲状腺结节", code="E04.100"
    )
    _misprint(wrong, p[5].certno, p[5].certno[:-1] + ("3" if p[5].certno[-1] != "3" else "5"), "certno")
    amount = benefits.payment(desk("J019", 3, 73, "2020-09-09"), p[6], Decimal("3060.00"))
    _misprint(amount, "¥3,060.00", "¥3,600.00", "amount")
    nobody = benefits.reimbursement(desk("J019", 3, 74, "2020-10-10"), p[9], pneumonia, "系统故障")
    for value in (p[9].name, p[9].certno, p[9].psn_no, p[9].phone, p[9].bank_card):
        _misprint(nobody, value, "", "")
    nobody.fields = {
        k: v
        for k, v in nobody.fields.items()
        if v not in {p[9].name, p[9].certno, p[9].psn_no, p[9].phone, p[9].bank_card}
    }
    nobody.persons.clear()
    undated = enrolment.transfer(desk("J019", 0, 79, "2019-07-15"), p[13], origin="云泽市", target="江州市")
    _undate(undated)
    return [
        SampleFile(
            f"{box}/0045.jpg",
            (poor,),
            Wear(dpi=100, blur=1.3, contrast=0.35, noise=12, skew=2.4, jpeg=22),
            clear=False,
            why="a very poor scan",
        ),
        SampleFile(
            f"{box}/0046.jpg",
            (institutions.note(desk("J019", 0, 75, "2021-04-14"), p[8]),),
            Wear(mode="colour", skew=3, jpeg=50),
            clear=False,
            why="a note of no known type",
        ),
        SampleFile(
            f"{box}/0047.jpg", (wrong,), Wear(jpeg=50), clear=False, why="the check digit printed does not hold"
        ),
        SampleFile(f"{box}/0048.jpg", (amount,), Wear(jpeg=55), clear=False, why="capitals and figure differ"),
        SampleFile(f"{box}/0049.jpg", (nobody,), Wear(jpeg=50), clear=False, why="no person is named"),
        SampleFile(
            f"{box}/0050.jpg",
            (
                institutions.cover(
                    desk("J019", 3, 76, "2025-03-03"),
                    [
                        ("参保登记表", "2012-03-12"),
                        ("信息变更申请表", "2014-06-11"),
                        ("转诊转院审批表", "2016-09-12"),
                        ("住院费用结算单", "2018-03-04"),
                    ],
                ),
            ),
            Wear(jpeg=55),
            clear=False,
            why="structure, not content",
        ),
        SampleFile(f"{box}/0054.jpg", (undated,), Wear(jpeg=50, skew=0.6), clear=False, why="no date is printed"),
        SampleFile(
            f"{box}/0055.jpg",
            (institutions.slip(desk("J019", 0, 80, "2022-05-18"), p[15]),),
            Wear(mode="colour", skew=-2, noise=4, jpeg=48),
            clear=False,
            why="written by hand, of no known type",
        ),
        SampleFile(
            "J019/refused/0051-truncated.jpg",
            (enrolment.enrol_person(desk("J019", 0, 77, "2015-01-01"), p[12], CAST.employers[0]),),
            Wear(jpeg=40),
            kind="truncated",
            why="the file ends in the middle",
        ),
        SampleFile(
            "J019/refused/0052-encrypted.pdf",
            (contributions.account(desk("J019", 2, 78, "2019-01-18"), p[12]),),
            kind="encrypted",
            why="a password is asked for",
        ),
    ]


def _undate(paper: Paper) -> None:
    """Take every date off the paper, and out of its truth."""
    for sheet in paper.sheets:
        sheet.marks[:] = [
            replace(mark, text=_DATES.sub("", mark.text)) if isinstance(mark, Text) else mark for mark in sheet.marks
        ]
    paper.fields = {key: value for key, value in paper.fields.items() if not _DATES.search(value)}
    paper.date = None


def _misprint(paper: Paper, printed: str, instead: str, key: str) -> None:
    """Change what is printed everywhere on the paper, and the truth of one field with it."""
    for sheet in paper.sheets:
        sheet.marks[:] = [
            Text(m.x, m.y, m.size, m.text.replace(printed, instead), m.face, m.colour)
            if isinstance(m, Text) and printed in m.text
            else m
            for m in sheet.marks
            if not (hasattr(m, "name") and m.name == printed)
        ]
    if key:
        paper.fields[key] = instead.lstrip("¥")
