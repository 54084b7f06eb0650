"""Invented persons, employers and providers, with numbers whose check digits hold.

Nobody here exists: names are put together by hand, numbers from a region's prefix, a date and a free sequence number.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

_CITIZEN_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def citizen_number(region: str, born: date, sequence: int) -> str:
    """A number of GB 11643: six digits of region, birth date, a sequence number of 0–999 (odd for men), check."""
    body = f"{region}{born:%Y%m%d}{sequence:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, _CITIZEN_WEIGHTS, strict=True)) % 11]


def credit_code(head: str, region: str, subject: str) -> str:
    """A unified social credit code of GB 32100: two characters, six of region, nine of subject, check."""
    body = f"{head}{region}{subject}"
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _CREDIT_ALPHABET[(31 - total % 31) % 31]


def card_number(body: str) -> str:
    """A bank card's number: the body with its Luhn digit."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody insured. `psn_no` is the agency's own number."""

    name: str
    certno: str
    psn_no: str
    phone: str
    address: str
    ethnic: str = "汉族"

    @property
    def sex(self) -> str:
        return "男" if int(self.certno[16]) % 2 else "女"

    @property
    def born(self) -> date:
        return date(int(self.certno[6:10]), int(self.certno[10:12]), int(self.certno[12:14]))

    @property
    def bank_card(self) -> str:
        return card_number(f"62170002{self.psn_no[-10:]}")


@dataclass(frozen=True, slots=True)
class Employer:
    """A 参保单位."""

    name: str
    uscc: str
    emp_no: str
    address: str
    legal_rep: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A hospital (H and eleven digits) or a pharmacy (P and eleven digits)."""

    name: str
    code: str
    level: str
    address: str
    legal_rep: str
    uscc: str


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who appears in one set. `agencies` maps a fonds code to the agency's name."""

    region: str
    city: str
    people: tuple[Person, ...]
    employers: tuple[Employer, ...]
    hospitals: tuple[Provider, ...]
    pharmacies: tuple[Provider, ...]
    agencies: dict[str, str]
    staff: tuple[str, ...]


def _people(region: str, streets: tuple[str, ...], rows: str) -> tuple[Person, ...]:
    found = []
    for number, row in enumerate(rows.split(), start=1):
        name, born, sequence, *rest = row.split(",")
        prefix = rest[0] if rest else region
        found.append(
            Person(
                name=name,
                certno=citizen_number(prefix, date.fromisoformat(born), int(sequence)),
                psn_no=f"{region}{10_000_000 + number * 31_847:08d}",
                phone=f"1{3 + number % 6}9{(47_102_836 + number * 7_193_551) % 100_000_000:08d}",
                address=f"{streets[number % len(streets)]}{11 + number * 7}号"
                f"{1 + number % 6}栋{number % 3 + 1}0{number % 4 + 1}室",
                ethnic=rest[1] if len(rest) > 1 else "汉族",
            )
        )
    return tuple(found)


def demo_cast() -> Cast:
    """The people of the demo set, in an invented city."""
    region = "420502"
    city = "云泽市"
    streets = ("云泽市临江区青石路", "云泽市临江区沿河大道", "云泽市望山区桂园街", "云泽市望山区书院巷")
    people = _people(
        region,
        streets,
        "周文远,1962-03-18,317 沈秋菊,1958-09-24,482 赵立军,1971-12-05,531,420106 "
        "欧阳静怡,1985-06-11,264 陈国栋,1966-08-30,715 林晓梅,1979-02-17,346,430104 "
        "吴建华,1955-11-09,193 孙丽娟,1990-04-23,608 马小龙,1983-07-15,877,640104,回族 "
        "郑玉兰,1949-05-02,120 何志强,1976-10-28,459 罗佳慧,1994-01-06,682 "
        "黄德胜,1960-06-21,235,360102 徐婉清,1988-12-13,744 韦春燕,1992-03-08,566,450103,壮族 "
        "蒋伯平,1953-02-27,811 谢雨桐,2001-09-19,928 曾庆丰,1968-04-14,373,510104",
    )
    employers = (
        Employer(
            "云泽市恒远机械制造有限公司",
            credit_code("91", region, "MA4K7QX31"),
            "42050210086",
            "云泽市临江区工业一路 28 号",
            "何志强",
        ),
        Employer(
            "云泽市青禾小学", credit_code("12", region, "560283947"), "42050220315", "云泽市望山区书院巷 5 号", "林晓梅"
        ),
        Employer(
            "云泽市南湖物流有限公司",
            credit_code("91", region, "MA4P3WH68"),
            "42050210772",
            "云泽市临江区沿河大道 190 号",
            "曾庆丰",
        ),
    )
    hospitals = (
        Provider(
            "云泽市第一人民医院",
            "H42050200012",
            "三级甲等",
            "云泽市临江区青石路 100 号",
            "韩启明",
            credit_code("12", region, "438201756"),
        ),
        Provider(
            "云泽市中医医院",
            "H42050200027",
            "三级乙等",
            "云泽市望山区桂园街 36 号",
            "宋知白",
            credit_code("12", region, "438201889"),
        ),
        Provider(
            "临江区沿河社区卫生服务中心",
            "H42050200143",
            "一级",
            "云泽市临江区沿河大道 77 号",
            "潘素琴",
            credit_code("12", region, "438204412"),
        ),
        Provider(
            "江州大学附属同泰医院",
            "H42010600035",
            "三级甲等",
            "江州市湖滨路 1 号",
            "顾怀瑾",
            credit_code("12", "420106", "441870036"),
        ),
    )
    pharmacies = (
        Provider(
            "云泽市康源大药房",
            "P42050200218",
            "零售药店",
            "云泽市临江区青石路 61 号",
            "徐婉清",
            credit_code("91", region, "MA4R9NC57"),
        ),
        Provider(
            "百草堂药店望山店",
            "P42050200334",
            "零售药店",
            "云泽市望山区书院巷 18 号",
            "罗佳慧",
            credit_code("91", region, "MA4T2GB90"),
        ),
    )
    return Cast(
        region,
        city,
        people,
        employers,
        hospitals,
        pharmacies,
        {"J019": "云泽市医疗保障中心", "J020": "云泽市临江区医疗保障服务中心"},
        ("许明", "范晓东", "邓洁", "彭涛", "叶文静"),
    )


def heldout_cast() -> Cast:
    """Other people in another invented city, for measuring."""
    region = "330302"
    city = "澄海湾市"
    streets = ("澄海湾市东陵区海棠路", "澄海湾市东陵区灯塔街", "澄海湾市北塘区稻香路")
    people = _people(
        region,
        streets,
        "卢庆云,1957-01-22,155 姜思源,1981-05-30,627 梁慧敏,1964-11-03,284 石磊,1973-08-16,493,320102 "
        "司徒雅文,1986-10-07,746 钱守义,1951-04-12,339 董秀芝,1969-07-25,662 阿依古丽,1991-02-14,308,650102,维吾尔族 "
        "贺长青,1978-12-29,917 邹敏,1997-06-18,584 白玉珍,1947-03-05,226 龙飞宇,1984-09-10,871,430702,土家族 "
        "崔海波,1963-10-31,415 任淑华,1975-01-19,768 武子涵,2003-08-08,639 尹兆麟,1959-12-24,197",
    )
    employers = (
        Employer(
            "澄海湾市远帆纺织股份有限公司",
            credit_code("91", region, "MA2A8TU17"),
            "33030210045",
            "澄海湾市东陵区工业园 9 号",
            "石磊",
        ),
        Employer(
            "澄海湾市海棠路街道办事处",
            credit_code("11", region, "002503871"),
            "33030230018",
            "澄海湾市东陵区海棠路 2 号",
            "贺长青",
        ),
    )
    hospitals = (
        Provider(
            "澄海湾市人民医院",
            "H33030200008",
            "三级甲等",
            "澄海湾市东陵区灯塔街 88 号",
            "苏牧之",
            credit_code("12", region, "470518293"),
        ),
        Provider(
            "北塘区妇幼保健院",
            "H33030200061",
            "二级甲等",
            "澄海湾市北塘区稻香路 15 号",
            "纪云舒",
            credit_code("12", region, "470519114"),
        ),
        Provider(
            "东海省肿瘤医院",
            "H33010200019",
            "三级甲等",
            "临州市文晖路 300 号",
            "闻一舟",
            credit_code("12", "330102", "470022678"),
        ),
    )
    pharmacies = (
        Provider(
            "澄海湾仁济堂大药房",
            "P33030200105",
            "零售药店",
            "澄海湾市东陵区海棠路 40 号",
            "邹敏",
            credit_code("91", region, "MA2B6RL42"),
        ),
    )
    return Cast(
        region,
        city,
        people,
        employers,
        hospitals,
        pharmacies,
        {"J019": "澄海湾市医疗保险服务中心", "J020": "澄海湾市东陵区医疗保障经办中心"},
        ("毛毅", "江月", "傅晨", "金晓岚"),
    )
