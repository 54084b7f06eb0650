"""The committed set: two fonds, three people with a long history, all formats, a few that must not pass."""

from decimal import Decimal

from tests.samples.generator import (
    benefits,
    contributions,
    demo_district,
    demo_doubtful,
    enrolment,
    filings,
    institutions,
)
from tests.samples.generator.degrade import Wear
from tests.samples.generator.demo_office import CAST, desk, stay
from tests.samples.generator.plan import SampleFile


def files() -> list[SampleFile]:
    """All files of the set in the order of their boxes."""
    return [
        *_enrolment(),
        _late_change(),
        *_contributions(),
        *_filings(),
        *_benefits(),
        *demo_district.files(),
        *demo_doubtful.files(),
    ]


def _enrolment() -> list[SampleFile]:
    p, e = CAST.people, CAST.employers
    box = "J019/box-01"
    return [
        SampleFile(
            f"{box}/0001.jpg",
            (enrolment.enrol_person(desk("J019", 0, 1, "2012-03-12"), p[0], e[0]),),
            Wear(mode="colour", yellow=0.5, skew=0.5, holes=True, jpeg=50),
        ),
        SampleFile(
            f"{box}/0002.png",
            (enrolment.enrol_person(desk("J019", 2, 2, "2012-05-20", 1), p[1], e[1]),),
            Wear(skew=-0.4),
        ),
        SampleFile(
            f"{box}/0003.tif",
            (enrolment.enrol_person(desk("J019", 3, 3, "2013-01-09"), p[2], e[0]),),
            Wear(dpi=300, mode="bilevel", specks=120),
        ),
        SampleFile(f"{box}/0004.born.pdf", (enrolment.enrol_person(desk("J019", 4, 4, "2019-09-02"), p[3], None),)),
        SampleFile(
            f"{box}/0005.jpg",
            (enrolment.enrol_unit(desk("J019", 0, 5, "2012-01-16"), e[0], p[10]),),
            Wear(skew=0.9, noise=3, jpeg=45),
        ),
        SampleFile(
            f"{box}/0006.pdf",
            (enrolment.enrol_unit(desk("J019", 3, 6, "2012-02-21", 1), e[1], p[5]),),
            Wear(contrast=0.8, jpeg=55),
        ),
        SampleFile(
            f"{box}/0007.jpg",
            (
                enrolment.change_person(
                    desk("J019", 0, 7, "2014-06-11"),
                    p[0],
                    item="联系地址",
                    before="云泽市望山区桂园街 3 号",
                    after=p[0].address,
                    reason="住房搬迁",
                ),
            ),
            Wear(skew=-1.1, shadow=0.25),
        ),
        SampleFile(
            f"{box}/0008.webp",
            (
                enrolment.change_person(
                    desk("J019", 2, 8, "2015-04-08", 1),
                    p[1],
                    item="手机号码",
                    before="13800000000",
                    after=p[1].phone,
                    reason="号码停用",
                ),
            ),
            Wear(jpeg=60),
        ),
        SampleFile(
            f"{box}/0009.tif",
            (enrolment.transfer(desk("J019", 3, 9, "2013-02-18"), p[2], origin="江州市", target="云泽市"),),
            Wear(dpi=300, mode="bilevel", skew=0.6),
        ),
    ]


def _late_change() -> SampleFile:
    person = CAST.people[2]
    paper = enrolment.change_person(
        desk("J019", 3, 79, "2021-09-13"),
        person,
        item="手机号码",
        before="13900000000",
        after=person.phone,
        reason="号码停用",
    )
    return SampleFile("J019/box-01/0053.jpg", (paper,), Wear(skew=0.8, jpeg=50))


def _contributions() -> list[SampleFile]:
    p, e = CAST.people, CAST.employers
    box = "J019/box-02"
    return [
        SampleFile(
            f"{box}/0010.jpg",
            (
                contributions.roster(
                    desk("J019", 0, 10, "2013-07-05"),
                    e[0],
                    (p[0], p[2], p[4], p[6], p[8], p[10], p[12], p[13], p[15], p[17]),
                ),
            ),
            Wear(skew=0.3, jpeg=55),
        ),
        SampleFile(
            f"{box}/0011.tif",
            (
                contributions.roster(
                    desk("J019", 3, 11, "2016-03-04", 1),
                    e[0],
                    (p[0], p[2], p[3], p[4], p[8], p[10], p[12], p[13], p[17]),
                ),
            ),
            Wear(dpi=300, mode="bilevel"),
        ),
        SampleFile(
            f"{box}/0012.xlsx",
            (
                contributions.roster(
                    desk("J019", 2, 12, "2017-08-03"), e[1], (p[1], p[5], p[7], p[9], p[11], p[13], p[14], p[16])
                ),
            ),
        ),
        SampleFile(
            f"{box}/0013.jpg",
            (contributions.arrears(desk("J019", 0, 13, "2015-11-10"), p[2], e[0]),),
            Wear(mode="colour", yellow=0.8, jpeg=48),
        ),
        SampleFile(f"{box}/0014.born.pdf", (contributions.account(desk("J019", 2, 14, "2016-01-15"), p[0]),)),
        SampleFile(
            f"{box}/0015.png", (contributions.account(desk("J019", 3, 15, "2025-01-20", 1), p[1]),), Wear(skew=0.2)
        ),
        SampleFile(
            f"{box}/0016.jpg",
            (contributions.account(desk("J019", 2, 16, "2025-01-22"), p[2]),),
            Wear(blur=0.5, jpeg=50),
        ),
        SampleFile(
            f"{box}/0017.png",
            (contributions.account(desk("J019", 4, 17, "2025-02-06", 1), p[0]),),
            Wear(mode="bilevel", dpi=300),
        ),
    ]


def _filings() -> list[SampleFile]:
    p, h = CAST.people, CAST.hospitals
    box = "J019/box-03"
    return [
        SampleFile(
            f"{box}/0018.jpg",
            (
                filings.referral(
                    desk("J019", 0, 18, "2016-09-12"),
                    p[0],
                    h[0],
                    h[3],
                    diagnosis="冠状动脉粥样硬化性心脏病",
                    code="I25.103",
                ),
            ),
            Wear(mode="colour", rotation=90, jpeg=45),
        ),
        SampleFile(
            f"{box}/0019.tif",
            (
                filings.referral(
                    desk("J019", 3, 19, "2018-10-17", 1), p[1], h[1], h[3], diagnosis="类风湿性关节炎", code="M06.900"
                ),
            ),
            Wear(mode="bilevel", fax=True, specks=150),
        ),
        SampleFile(
            f"{box}/0020.png",
            (
                filings.referral(
                    desk("J019", 2, 20, "2019-04-25", 2), p[2], h[0], h[3], diagnosis="慢性肾脏病", code="N18.900"
                ),
            ),
            Wear(skew=0.7),
        ),
        SampleFile(
            f"{box}/0021.jpg",
            (filings.chronic(desk("J019", 0, 21, "2017-03-22"), p[0], h[0], disease="高血压", code="M03900"),),
            Wear(mode="colour", yellow=1.0, holes=True, fold=True, jpeg=45),
        ),
        SampleFile(
            f"{box}/0022.pdf",
            (filings.chronic(desk("J019", 3, 22, "2019-05-14", 1), p[1], h[1], disease="糖尿病", code="M01600"),),
            Wear(skew=-0.6, jpeg=50),
        ),
        SampleFile(
            f"{box}/0023.heic",
            (
                filings.chronic(
                    desk("J019", 2, 23, "2020-06-09", 2), p[2], h[0], disease="慢性肾功能衰竭", code="M07803"
                ),
            ),
            Wear(mode="colour", jpeg=45),
        ),
        SampleFile(
            f"{box}/0024.jpg",
            (filings.chronic(desk("J019", 3, 24, "2021-07-01"), p[4], h[0], disease="糖尿病", code="M01600"),),
            Wear(rotation=180, jpeg=52),
        ),
        SampleFile(
            f"{box}/0025.jpg",
            (filings.offsite(desk("J019", 0, 25, "2022-02-23"), p[6], "江州市", p[7]),),
            Wear(mode="colour", skew=1.4, jpeg=45),
        ),
        SampleFile(
            f"{box}/0026.png",
            (
                filings.special(
                    desk("J019", 2, 26, "2023-04-19", 1),
                    p[13],
                    h[0],
                    item="甲磺酸奥希替尼片",
                    diagnosis="肺恶性肿瘤",
                    cost=Decimal("16740.00"),
                ),
            ),
            Wear(mode="bilevel"),
        ),
    ]


def _benefits() -> list[SampleFile]:
    p, box = CAST.people, "J019/box-04"
    heart = stay(
        0, "2018-02-20", 12, "心血管内科", "冠状动脉粥样硬化性心脏病", "I25.103", "18642.37", "13020.10", "1200.00"
    )
    stroke = stay(0, "2022-11-03", 9, "神经内科", "脑梗死", "I63.900", "12480.66", "9015.24", "600.00")
    joint = stay(3, "2018-11-05", 15, "风湿免疫科", "类风湿性关节炎", "M06.900", "23906.50", "15200.80")
    sugar = stay(1, "2021-03-08", 8, "内分泌科", "2型糖尿病", "E11.900", "7325.18", "5411.03", "413.15")
    kidney = stay(3, "2019-05-06", 14, "肾脏内科", "慢性肾脏病", "N18.900", "31877.29", "21040.06")
    dialysis = stay(0, "2023-08-14", 6, "肾脏内科", "慢性肾功能衰竭", "N18.001", "9266.40", "7400.12", "300.00")
    return [
        SampleFile(
            f"{box}/0027.jpg",
            (benefits.settlement(desk("J019", 0, 27, "2018-03-04"), p[0], heart),),
            Wear(mode="colour", skew=0.4, jpeg=48),
        ),
        SampleFile(f"{box}/0028.born.pdf", (benefits.settlement(desk("J019", 2, 28, "2021-03-16", 1), p[1], sugar),)),
        SampleFile(
            f"{box}/0029.tif",
            (benefits.settlement(desk("J019", 3, 29, "2023-08-20", 2), p[2], dialysis),),
            Wear(dpi=300, mode="bilevel", skew=-0.5),
        ),
        SampleFile(
            f"{box}/0030.jpg",
            (benefits.settlement(desk("J019", 2, 30, "2022-11-12", 1), p[0], stroke),),
            Wear(rotation=270, jpeg=52),
        ),
        SampleFile(
            f"{box}/0031.tif",
            (benefits.cost_list(desk("J019", 3, 31, "2018-11-20"), p[1], joint),),
            Wear(mode="bilevel", dpi=300),
        ),
        SampleFile(
            f"{box}/0032.mixed.pdf",
            (benefits.cost_list(desk("J019", 2, 32, "2019-05-20", 1), p[2], kidney),),
            Wear(jpeg=50),
        ),
        SampleFile(
            f"{box}/0033.jpg",
            (benefits.invoice(desk("J019", 4, 33, "2018-11-20"), p[1], joint),),
            Wear(mode="colour", skew=0.6),
        ),
        SampleFile(
            f"{box}/0034.bmp",
            (benefits.invoice(desk("J019", 3, 34, "2022-11-12", 1), p[0], stroke),),
            Wear(mode="bilevel"),
        ),
        SampleFile(f"{box}/0035.xml", (benefits.invoice(desk("J019", 4, 35, "2019-05-20"), p[2], kidney),)),
        SampleFile(f"{box}/0036.ofd", (benefits.invoice(desk("J019", 4, 36, "2023-08-20", 1), p[2], dialysis),)),
        SampleFile(
            f"{box}/0037.jpg",
            (benefits.reimbursement(desk("J019", 0, 37, "2018-12-03"), p[1], joint, "异地就医未能直接结算"),),
            Wear(mode="colour", jpeg=45, holes=True),
        ),
        SampleFile(
            f"{box}/0038.png",
            (benefits.reimbursement(desk("J019", 2, 38, "2019-06-10", 1), p[2], kidney, "转外就医系统故障"),),
            Wear(skew=-0.3),
        ),
        SampleFile(
            f"{box}/0039.jpg",
            (benefits.reimbursement(desk("J019", 3, 39, "2022-12-01", 2), p[0], stroke, "急诊入院未带医保卡"),),
            Wear(noise=3, jpeg=42),
        ),
        SampleFile(
            f"{box}/0040.jpg",
            (benefits.payment(desk("J019", 3, 40, "2018-12-20"), p[1], joint.fund),),
            Wear(mode="colour"),
        ),
        SampleFile(f"{box}/0041.docx", (institutions.discharge(desk("J019", 3, 41, "2018-11-20"), p[1], joint),)),
        SampleFile(
            f"{box}/0042.jpg",
            (institutions.discharge(desk("J019", 3, 42, "2019-05-20", 2), p[2], kidney),),
            Wear(blur=0.4, jpeg=50),
        ),
        SampleFile(
            f"{box}/0043-stack.pdf",
            (
                filings.chronic(
                    desk("J019", 2, 43, "2024-03-05", 1), p[8], CAST.hospitals[0], disease="高血压", code="M03900"
                ),
                filings.referral(
                    desk("J019", 2, 44, "2024-03-06"),
                    p[9],
                    CAST.hospitals[0],
                    CAST.hospitals[3],
                    diagnosis="股骨颈骨折",
                    code="S72.000",
                ),
                filings.offsite(desk("J019", 2, 45, "2024-03-07"), p[11], "江州市"),
            ),
            Wear(jpeg=50),
        ),
        SampleFile(
            f"{box}/0044-copy.jpg", (), kind="duplicate", of="J019/box-04/0027.jpg", why="the same bytes as 0027.jpg"
        ),
    ]


SEARCHES = (
    {"text": "高血压", "why": "a disease inside forms of several people"},
    {"text": CAST.people[0].name, "why": "a person's papers from 2012 to 2025"},
    {"text": CAST.people[2].certno, "why": "a citizen number finds every paper and roster row"},
)
