"""The measuring set: other people, other typefaces and other layouts than any sample the recognition was made with."""

import random
from datetime import date, timedelta
from decimal import Decimal

from tests.samples.generator import benefits, contributions, enrolment, filings, institutions, returns
from tests.samples.generator.benefits import Stay
from tests.samples.generator.degrade import Wear
from tests.samples.generator.form import Paper, Style
from tests.samples.generator.office import Desk
from tests.samples.generator.people import heldout_cast
from tests.samples.generator.plan import SampleFile

STYLES = (
    Style(
        mode="stacked",
        title_face="wenkai-bold",
        label_face="uming",
        value_face="wenkai",
        sign_face="wenkai",
        row=34,
        size=11.5,
    ),
    Style(
        mode="colon",
        title_face="uming",
        label_face="uming",
        value_face="uming",
        sign_face="wenkai",
        size=12,
        row=30,
        double_rule=True,
    ),
    Style(
        title_face="wenkai-bold",
        label_face="wenkai",
        value_face="uming",
        sign_face="wenkai",
        rule=(40, 70, 130),
        label_colour=(40, 70, 130),
        size=11.5,
        row=31,
        label_width=96,
    ),
    Style(
        title_face="uming",
        label_face="uming",
        value_face="wenkai",
        sign_face="wenkai",
        shade=(238, 236, 224),
        title_size=23,
        size=11,
        row=27,
        label_width=90,
    ),
)
CAST = heldout_cast()
_ILLS = (
    ("胆囊结石", "K80.200", "普外科"),
    ("子宫平滑肌瘤", "D25.900", "妇科"),
    ("白内障", "H26.900", "眼科"),
    ("胃溃疡", "K25.900", "消化内科"),
)
_KINDS = 21


def files(*, count: int, seed: int) -> list[SampleFile]:
    """`count` files of one paper each, every type in turn, each with a wear of its own."""
    found = []
    for number in range(count):
        rng = random.Random(seed * 100_003 + number)  # noqa: S311  samples, not secrets
        paper = _paper(number % _KINDS, number, rng)
        suffix = rng.choice(("jpg", "jpg", "png", "tif", "pdf") if len(paper.sheets) == 1 else ("tif", "pdf"))
        mode = "bilevel" if suffix == "tif" else rng.choice(("grey", "colour"))
        wear = Wear(
            dpi=rng.choice((200, 200, 300)),
            mode=mode,
            skew=rng.uniform(-1.6, 1.6),
            noise=rng.choice((0, 0, 3, 6)),
            blur=rng.choice((0, 0, 0.5, 0.8)),
            contrast=rng.choice((1.0, 1.0, 0.75)),
            yellow=rng.choice((0, 0, 0.8)),
            specks=rng.choice((0, 0, 100)),
            holes=rng.random() < 0.2,
            shadow=rng.choice((0, 0, 0.25)),
            rotation=rng.choice((0, 0, 0, 0, 0, 0, 90, 180, 270)),
            jpeg=rng.choice((40, 60, 75)),
            seed=number + 1,
        )
        found.append(SampleFile(f"{rng.choice(('J019', 'J020'))}/{number + 1:04d}.{suffix}", (paper,), wear))
    return found


def _paper(kind: int, number: int, rng: random.Random) -> Paper:  # noqa: C901, PLR0911, PLR0912  one arm a type
    person, other = rng.sample(CAST.people, 2)
    hospital, employer = rng.choice(CAST.hospitals), rng.choice(CAST.employers)
    target = rng.choice([h for h in CAST.hospitals if h != hospital])
    day = date(2011, 1, 1) + timedelta(days=rng.randrange(5200))
    desk = Desk(CAST, rng.choice(list(CAST.agencies.values())), rng.choice(STYLES), number + 300, day, rng.randrange(6))
    ill, code, ward = rng.choice(_ILLS)
    total = Decimal(rng.randrange(200_000, 6_000_000)) / 100
    fund = (total * Decimal(rng.randrange(40, 80)) / 100).quantize(Decimal("0.01"))
    length = rng.randrange(3, 13)
    stay = Stay(hospital, day - timedelta(days=length), length, ward, ill, code, total, fund)
    match kind:
        case 0:
            return enrolment.enrol_person(desk, person, employer if rng.random() < 0.6 else None)
        case 1:
            return enrolment.enrol_unit(desk, employer, person)
        case 2:
            return enrolment.change_person(
                desk, person, item="姓名", before=other.name, after=person.name, reason="公安更名"
            )
        case 3:
            return enrolment.transfer(desk, person, origin=CAST.city, target="临州市")
        case 4:
            return contributions.roster(desk, employer, rng.sample(CAST.people, rng.randrange(5, 12)))
        case 5:
            return contributions.account(desk, person)
        case 6:
            return institutions.agreement(desk, rng.choice((*CAST.hospitals, *CAST.pharmacies)))
        case 7:
            return institutions.qualification(desk, rng.choice((*CAST.hospitals, *CAST.pharmacies)))
        case 8:
            return benefits.settlement(desk, person, stay)
        case 9:
            return benefits.cost_list(desk, person, stay)
        case 10:
            return benefits.invoice(desk, person, stay, outpatient=rng.random() < 0.4)
        case 11:
            return benefits.reimbursement(desk, person, stay, "外地急诊住院")
        case 12:
            return filings.referral(desk, person, hospital, target, diagnosis=ill, code=code)
        case 13:
            return filings.offsite(desk, person, "临州市", other if rng.random() < 0.5 else None)
        case 14:
            return filings.chronic(desk, person, hospital, disease="帕金森病", code="M02300")
        case 15:
            return filings.special(
                desk, person, hospital, item="注射用曲妥珠单抗", diagnosis="乳腺恶性肿瘤", cost=Decimal("11240.00")
            )
        case 16:
            return institutions.discharge(desk, person, stay)
        case 18:
            return returns.monthly_settlement(desk, rng.choice((*CAST.hospitals, *CAST.pharmacies)))
        case 19:
            return returns.statistics(desk)
        case 20:
            return filings.maternity(desk, person, other, hospital, day - timedelta(days=60), Decimal("24160.00"))
        case _:
            return (
                benefits.payment(desk, person, fund)
                if rng.random() < 0.5
                else institutions.audit_notice(desk, hospital)
            )
