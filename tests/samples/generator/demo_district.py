"""The second fonds: agreements, inspection, residents' papers and returns of a district office."""

from datetime import date
from decimal import Decimal

from tests.samples.generator import benefits, contributions, enrolment, filings, institutions, returns
from tests.samples.generator.degrade import Wear
from tests.samples.generator.demo_office import CAST, desk, stay
from tests.samples.generator.plan import SampleFile


def files() -> list[SampleFile]:
    """The district office's boxes."""
    p, h, s = CAST.people, CAST.hospitals, CAST.pharmacies
    one, two, three = "J020/box-01", "J020/box-02", "J020/box-03"
    lung = stay(2, "2020-12-01", 7, "全科", "慢性支气管炎", "J42.x00", "3180.55", "2240.15", "200.00")
    hip = stay(1, "2021-05-17", 10, "骨伤科", "腰椎间盘突出", "M51.202", "8460.90", "6011.40")
    return [
        SampleFile(f"{one}/0101.born.pdf", (institutions.agreement(desk("J020", 3, 51, "2021-01-08"), h[2]),)),
        SampleFile(
            f"{one}/0102.pdf",
            (institutions.agreement(desk("J020", 3, 52, "2022-01-10"), s[0]),),
            Wear(jpeg=42, skew=0.4),
        ),
        SampleFile(
            f"{one}/0103.jpg",
            (institutions.qualification(desk("J020", 0, 53, "2020-09-15"), h[2]),),
            Wear(mode="colour", jpeg=45),
        ),
        SampleFile(
            f"{one}/0104.tif",
            (institutions.qualification(desk("J020", 2, 54, "2021-10-11", 1), s[1]),),
            Wear(mode="bilevel", dpi=300),
        ),
        SampleFile(
            f"{one}/0105.jpg",
            (institutions.audit_notice(desk("J020", 3, 55, "2022-05-16"), h[2]),),
            Wear(mode="colour", skew=-0.8, jpeg=48),
        ),
        SampleFile(f"{one}/0106.png", (institutions.audit_notice(desk("J020", 3, 56, "2023-06-12", 1), s[0]),), Wear()),
        SampleFile(
            f"{two}/0107.jpg",
            (enrolment.enrol_person(desk("J020", 1, 57, "2020-01-14"), p[16], None),),
            Wear(mode="colour", jpeg=45),
        ),
        SampleFile(
            f"{two}/0108.jpg",
            (enrolment.enrol_person(desk("J020", 3, 58, "2014-08-19", 1), p[14], CAST.employers[2]),),
            Wear(contrast=0.7, jpeg=48),
        ),
        SampleFile(
            f"{two}/0109.jpg",
            (
                filings.maternity(
                    desk("J020", 0, 59, "2021-06-28"), p[7], p[8], h[0], date(2021, 3, 14), Decimal("31284.00")
                ),
            ),
            Wear(skew=0.5, jpeg=50),
        ),
        SampleFile(
            f"{two}/0110.jpg",
            (institutions.identity_copy(desk("J020", 3, 60, "2020-01-14"), p[16]),),
            Wear(mode="colour", jpeg=50),
        ),
        SampleFile(
            f"{two}/0111.png",
            (
                filings.special(
                    desk("J020", 2, 61, "2022-08-08"),
                    p[15],
                    h[1],
                    item="高压氧治疗",
                    diagnosis="脑梗死后遗症",
                    cost=Decimal("4200.00"),
                ),
            ),
            Wear(mode="bilevel"),
        ),
        SampleFile(
            f"{two}/0112.pdf",
            (enrolment.transfer(desk("J020", 3, 62, "2023-03-21", 2), p[17], origin="云泽市", target="江州市"),),
            Wear(jpeg=48, shadow=0.2),
        ),
        SampleFile(
            f"{two}/0113-stack.tif",
            (
                benefits.settlement(desk("J020", 3, 63, "2020-12-08"), p[12], lung),
                benefits.cost_list(desk("J020", 3, 64, "2020-12-08", 1), p[12], lung),
                benefits.settlement(desk("J020", 3, 65, "2021-05-27", 2), p[15], hip),
            ),
            Wear(mode="bilevel", dpi=300),
        ),
        SampleFile(
            f"{two}/0114.jpg",
            (
                contributions.roster(
                    desk("J020", 3, 66, "2018-04-09"),
                    CAST.employers[2],
                    (p[3], p[6], p[8], p[11], p[12], p[14], p[16], p[17]),
                ),
            ),
            Wear(jpeg=50),
        ),
        SampleFile(
            f"{three}/0115.jpg",
            (returns.monthly_settlement(desk("J020", 2, 67, "2022-09-05", 1), h[2]),),
            Wear(mode="colour", skew=0.5, jpeg=46),
        ),
        SampleFile(
            f"{three}/0116.pdf",
            (returns.monthly_settlement(desk("J020", 3, 68, "2023-11-06"), s[1]),),
            Wear(skew=-0.4, noise=2, jpeg=46),
        ),
        SampleFile(f"{three}/0117.png", (returns.statistics(desk("J020", 3, 69, "2024-01-25")),), Wear(skew=0.3)),
        SampleFile(
            f"{three}/0118.jpg",
            (returns.statistics(desk("J020", 0, 70, "2019-02-14", 1)),),
            Wear(mode="colour", yellow=0.7, jpeg=46),
        ),
    ]
