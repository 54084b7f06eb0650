"""Papers of contributions: rosters with a person a row, declarations, account statements."""

from collections.abc import Sequence
from decimal import Decimal

from tests.samples.generator.amounts import capitals, figure
from tests.samples.generator.drawing import LANDSCAPE
from tests.samples.generator.form import Cell, Paper
from tests.samples.generator.office import Desk, who
from tests.samples.generator.people import Employer, Person
from tests.samples.generator.seals import Seal


def roster(desk: Desk, employer: Employer, people: Sequence[Person]) -> Paper:
    """A roster of an employer's people; the amounts are ten per cent of each base and sum to the total."""
    wide = desk.variant % 2 == 0
    form = desk.form(LANDSCAPE) if wide else desk.form()
    title = "参保人员花名册" if wide else "社会保险费申报核定表"
    form.title(title, above=desk.agency if wide else "")
    form.pairs(Cell("单位名称", employer.name, "emp_name"), Cell("单位编号", employer.emp_no, "emp_no"))
    form.pairs(
        Cell("所属期", f"{desk.day.year}年{desk.day.month}月", "period"),
        Cell("人数", str(len(people)), "headcount"),
        Cell("填报日期", desk.written(), "apply_date"),
    )
    rows, total, bases = [], Decimal(0), Decimal(0)
    for number, person in enumerate(people, start=1):
        base = Decimal(2800 + (desk.seed * 131 + number * 475) % 6400)
        amount = (base * 10 / 100).quantize(Decimal("0.01"))
        bases, total = bases + base, total + amount
        row = [str(number), person.name, person.certno, f"{base:.2f}", f"{amount:.2f}"]
        rows.append([*row[:3], person.sex, *row[3:]] if wide else row)
    blank = [""] * (2 if wide else 1)
    rows.append(["合计", "", *blank, f"{bases:.2f}", f"{total:.2f}"])
    header = (
        ["序号", "姓名", "证件号码", "性别", "缴费基数", "应缴金额"]
        if wide
        else ["序号", "姓名", "身份证号码", "缴费基数", "金额"]
    )
    form.table(header, rows, (0.6, 1.2, 2.6, 0.7, 1.4, 1.4) if wide else (0.6, 1.1, 2.4, 1.2, 1.2))
    form.y += 6
    form.pairs(Cell("应缴合计（大写）", capitals(total), "sumamt_words"), Cell("（小写）", f"¥{figure(total)}"))
    form.fields |= {"contrib_base_sum": f"{bases:.2f}", "amount_due": f"{total:.2f}"}
    form.pairs(Cell("填报人", desk.staff[0], "handler"), Cell("审核人", desk.staff[1], "reviewer"))
    form.stamp(form.right - 110, min(form.y - 10, form.size[1] - 60), Seal(employer.name, "", 44))
    members = tuple((person, "roster") for person in people)
    return form.paper("CONTRIB", "ZJ01", title, desk.iso, *members, words=(employer.name[3:9], "应缴合计"))


def arrears(desk: Desk, person: Person, employer: Employer) -> Paper:
    """补缴申请表 of one person."""
    form, due = desk.form(), Decimal(3860 + desk.seed * 13 % 800) + Decimal("0.40")
    title = "基本医疗保险费补缴申请表"
    form.title(title)
    form.grid(
        who(person),
        (Cell("单位名称", employer.name, "emp_name", 1.5), Cell("单位编号", employer.emp_no, "emp_no")),
        (
            Cell("所属期", f"{desk.day.year - 1}年1月至{desk.day.year - 1}年12月", "period"),
            Cell("缴费基数", "3216.00", "contrib_base"),
        ),
        (Cell("补缴金额", figure(due), "amount_due"), Cell("大写", capitals(due), "sumamt_words", 1.5)),
        (Cell("申请日期", desk.written(), "apply_date"), Cell("补缴原因", "单位漏报", "reason")),
    )
    form.opinion(
        "单位意见", "因经办人员变动漏报，现申请补缴。", signed=desk.chinese(), seal=Seal(employer.name, "", 44)
    )
    form.opinion(
        "经办意见", "同意补缴，免收滞纳金。", signer=desk.staff[0], signed=desk.chinese(desk.later(3)), seal=desk.seal()
    )
    return form.paper(
        "CONTRIB", "ZJ02", title, desk.iso, (person, "subject"), words=("补缴原因", "单位漏报", "免收滞纳金")
    )


def account(desk: Desk, person: Person) -> Paper:
    """个人账户对账单: opening + in + interest − out = closing."""
    form, year = desk.form(), str(desk.day.year - 1)
    title = ("医疗保险个人账户对账单", "个人账户收支明细")[desk.variant % 2]
    form.title(title, above=desk.agency if desk.variant % 2 else "")
    form.pairs(Cell("年度", year, "year"), Cell("个人编号", person.psn_no, "psn_no"), Cell("打印日期", desk.written()))
    opening, paid_in = Decimal(desk.seed * 97 % 4000) + Decimal("318.26"), Decimal(0)
    paid_out, rows, balance = Decimal(0), [], opening
    for month in range(1, 13):
        inward = Decimal("214.40")
        outward = Decimal(desk.seed * month * 7 % 300) + Decimal("0.50") if month % 3 == 0 else Decimal(0)
        balance += inward - outward
        paid_in, paid_out = paid_in + inward, paid_out + outward
        rows.append(
            [
                f"{year}-{month:02d}",
                figure(inward),
                figure(outward),
                figure(balance),
                "账户划入" if not outward else "划入、购药",
            ]
        )
    interest = Decimal("21.37")
    form.grid(
        who(person, by="社会保障号码"),
        (Cell("期初余额", figure(opening), "acct_opening"), Cell("本年划入", figure(paid_in), "acct_in")),
        (Cell("利息", figure(interest), "acct_interest"), Cell("本年支出", figure(paid_out), "acct_out")),
        (Cell("期末余额", figure(balance + interest), "acct_balance"), Cell("经办机构", desk.agency, "agency", 1.5)),
    )
    form.y += 10
    form.table(["月份", "收入", "支出", "余额", "摘要"], rows, (1, 1, 1, 1, 1.3))
    form.stamp(form.right - 90, form.y + 40, desk.seal())
    return form.paper("ACCOUNT", "GL03", title, desk.iso, (person, "subject"), words=("期末余额", "账户划入"))
