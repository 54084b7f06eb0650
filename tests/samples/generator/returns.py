"""Papers that add up: a provider's monthly settlement with the fund, and an agency's statistics. All sums agree."""

from decimal import Decimal

from tests.samples.generator.amounts import capitals, figure
from tests.samples.generator.form import Cell, Paper
from tests.samples.generator.office import Desk
from tests.samples.generator.people import Provider
from tests.samples.generator.seals import Seal

_CENT = Decimal("0.01")


def monthly_settlement(desk: Desk, provider: Provider) -> Paper:
    """月结算申报表: claimed − deducted − kept back = paid."""
    form, hospital = desk.form(), provider.code.startswith("H")
    title = "定点医疗机构月结算申报表" if hospital else "定点零售药店月结算申报表"
    form.title(title, above=desk.agency if desk.variant % 2 else "")
    month = f"{desk.day.year}年{desk.day.month - 1 or 12}月" if desk.day.month > 1 else f"{desk.day.year - 1}年12月"
    form.pairs(Cell("所属期", month, "period"), Cell("申报日期", desk.written(), "apply_date"))
    kinds = (
        ("职工住院", "职工门诊", "居民住院", "居民门诊")
        if hospital
        else ("职工购药", "职工慢特病购药", "居民慢特病购药")
    )
    rows, visits, whole, fund = [], 0, Decimal(0), Decimal(0)
    for place, kind in enumerate(kinds):
        count = 40 + (desk.seed * 37 + place * 113) % 400
        fee = (Decimal(count) * (Decimal("286.35") + place * 41)).quantize(_CENT)
        share = (fee * Decimal("0.62")).quantize(_CENT)
        visits, whole, fund = visits + count, whole + fee, fund + share
        rows.append([kind, str(count), figure(fee), figure(share), figure(fee - share)])
    deducted, kept = (fund * Decimal("0.012")).quantize(_CENT), (fund * Decimal("0.05")).quantize(_CENT)
    paid = fund - deducted - kept
    form.grid(
        (
            Cell("医疗机构名称" if hospital else "药店名称", provider.name, "fixmedins_name", 1.4),
            Cell("机构代码", provider.code, "fixmedins_code"),
        )
    )
    form.y += 8
    form.table(["类别", "人次", "总费用", "应付基金", "个人负担"], [
        *rows,
        ["合计", str(visits), figure(whole), figure(fund), figure(whole - fund)],
    ], (1.4, 0.8, 1.3, 1.3, 1.3))  # fmt: skip
    form.y += 8
    form.grid(
        (Cell("结算人次", str(visits), "visit_count"), Cell("总费用", figure(whole), "medfee_sumamt")),
        (Cell("审核扣款", figure(deducted), "deduct_amt"), Cell("预留保证金", figure(kept))),
        (Cell("实付金额", figure(paid), "pay_amt"), Cell("大写", capitals(paid), "sumamt_words", 1.7)),
    )
    seal = Seal(provider.name, "", 46)
    form.opinion("申报单位", "以上数据与上传明细一致。", signed=desk.chinese(), seal=seal, height=105)
    form.opinion(
        "审核意见", "按审核金额拨付。", signer=desk.staff[1], signed=desk.chinese(desk.later(12)), seal=desk.seal()
    )
    return form.paper("SETTLE_ORG", "YB06", title, desk.iso, words=("预留保证金", "审核扣款", "按审核金额拨付"))


def statistics(desk: Desk) -> Paper:
    """统计年报 of an agency: insured persons and money by insurance."""
    form, year = desk.form(), desk.day.year - 1
    title = ("业务统计年报", "统计年报")[desk.variant % 2]
    form.title(f"{year}年度{title}" if desk.variant % 2 else title, below="（单位：人、万元）")
    form.pairs(Cell("填报单位", desk.agency, "agency"), Cell("填报期间", f"{year}年1月至12月", "report_period"))
    rows, total = [], [Decimal(0)] * 4
    for place, kind in enumerate(("职工基本医疗保险", "城乡居民基本医疗保险", "生育保险")):
        insured = Decimal(9000 + (desk.seed * 811 + place * 27_113) % 64_000)
        income = (insured * (Decimal("0.31") - place * Decimal("0.08"))).quantize(_CENT)
        spent = (income * Decimal("0.87")).quantize(_CENT)
        row = [insured, income, spent, income - spent]
        total = [a + b for a, b in zip(total, row, strict=True)]
        rows.append([kind, f"{insured}", *map(figure, row[1:])])
    rows.append(["合计", f"{total[0]}", *map(figure, total[1:])])
    form.y += 4
    form.table(["险种", "参保人数", "基金收入", "基金支出", "当期结余"], rows, (1.9, 1, 1.2, 1.2, 1.2), row=30)
    form.y += 12
    form.paragraph("说明：本表数据取自年末业务系统，参保人数为期末数，基金收支为当期发生数。")
    form.y += 14
    form.pairs(Cell("制表人", desk.staff[0], "handler"), Cell("审核人", desk.staff[1], "reviewer"))
    form.pairs(Cell("填报日期", desk.written()), Cell("填报单位（盖章）", ""))
    form.stamp(form.right - 150, form.y + 14, desk.seal("", 52))
    return form.paper("STAT_REPORT", "TJ01", title, desk.iso, words=("当期结余", "基金收入", "期末数"))
