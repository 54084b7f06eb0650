"""Papers of benefits: settlements, cost lists, receipts, reimbursements, payments. All sums agree."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.samples.generator.amounts import capitals, figure
from tests.samples.generator.drawing import HALF
from tests.samples.generator.form import Cell, Form, Paper
from tests.samples.generator.office import Desk, who
from tests.samples.generator.people import Person, Provider
from tests.samples.generator.seals import Seal

_ITEMS = (
    ("阿托伐他汀钙片", "20mg×7片", "盒", "42.68", "甲"),
    ("注射用头孢呋辛钠", "0.75g", "支", "18.90", "乙"),
    ("血常规检查", "", "次", "20.00", "甲"),
    ("磁共振平扫", "", "次", "480.00", "乙"),
    ("一级护理", "", "日", "26.00", "甲"),
    ("床位费", "三人间", "日", "38.00", "甲"),
    ("一次性输液器", "7号", "支", "2.36", "丙"),
    ("胰岛素注射液", "3ml", "支", "51.20", "乙"),
    ("心电监测", "", "小时", "4.00", "甲"),
)


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay in hospital and its money: fund + account + cash = total."""

    hospital: Provider
    admitted: date
    days: int
    ward: str
    diagnosis: str
    code: str
    total: Decimal
    fund: Decimal
    account: Decimal = Decimal(0)

    @property
    def discharged(self) -> date:
        return self.admitted + timedelta(days=self.days)

    @property
    def cash(self) -> Decimal:
        return self.total - self.fund - self.account

    @property
    def ipt_no(self) -> str:
        return f"ZY{self.admitted:%y%m%d}{int(self.total) % 1000:03d}"


def settlement(desk: Desk, person: Person, stay: Stay) -> Paper:
    form = desk.form()
    title = ("基本医疗保险住院费用结算单", "住院费用结算单", "医疗费用结算单")[desk.variant % 3]
    form.title(title, above=stay.hospital.name if desk.variant % 2 else "")
    form.pairs(Cell("结算单号", desk.number("JS"), "setl_id"), Cell("结算日期", desk.written(), "setl_date"))
    form.grid(
        who(person, by=("身份证号", "公民身份号码", "社会保障号码")[desk.variant % 3]),
        (Cell("性别", person.sex, "sex"), Cell("险种", "职工基本医疗保险", "insutype", 1.5)),
        (
            Cell("医疗机构名称", stay.hospital.name, "fixmedins_name", 1.4),
            Cell("机构代码", stay.hospital.code, "fixmedins_code", 1.2),
        ),
        (
            Cell("住院号", stay.ipt_no, "ipt_no"),
            Cell("科室", stay.ward, "dept"),
            Cell("医疗类别", "普通住院", "med_type"),
        ),
        (
            Cell("入院日期", desk.written(stay.admitted), "admit_date"),
            Cell("出院日期", desk.written(stay.discharged), "disch_date"),
            Cell("住院天数", str(stay.days), "days", 0.8),
        ),
        (Cell("出院诊断", stay.diagnosis, "diag_name", 1.5), Cell("疾病编码", stay.code, "diag_code")),
    )
    _fee_table(form, stay.total)
    form.grid(
        (
            Cell("费用总额", figure(stay.total), "medfee_sumamt"),
            Cell("大写", capitals(stay.total), "sumamt_words", 1.8),
        ),
        (
            Cell("统筹支付", figure(stay.fund), "hifp_pay"),
            Cell("个人账户支付", figure(stay.account), "acct_pay"),
            Cell("个人现金支付", figure(stay.cash), "psn_cash_pay"),
        ),
    )
    form.y += 22
    form.pairs(Cell("经办人", desk.staff[0], "handler"), Cell("患者（家属）签字", ""), Cell("医疗机构（盖章）", ""))
    form.sign(form.left + 258, form.y - 26, person.name)
    form.stamp(form.right - 70, form.y + 20, Seal(stay.hospital.name, "医保结算专用章", 48))
    return form.paper(
        "SETTLE",
        "YB03",
        title,
        desk.iso,
        (person, "subject"),
        doc_no=form.fields["setl_id"],
        words=(stay.diagnosis[:6], "统筹支付", stay.ward),
    )


def _fee_table(form: Form, total: Decimal) -> None:
    names = ("西药费", "检查费", "化验费", "治疗费", "床位费", "其他费")
    shares = ("0.34", "0.22", "0.12", "0.18", "0.08")
    parts = [(total * Decimal(s)).quantize(Decimal("0.01")) for s in shares]
    parts.append(total - sum(parts, Decimal(0)))
    figures = [figure(part) for part in parts]
    rows = [[names[n], figures[n], names[n + 1], figures[n + 1]] for n in range(0, len(names), 2)]
    form.y += 6
    form.table(["项目", "金额", "项目", "金额"], rows, (1, 1, 1, 1))
    form.y += 6


def cost_list(desk: Desk, person: Person, stay: Stay) -> Paper:
    """住院费用清单, on as many sheets as `stay.days` asks; quantity × price = amount, and they sum to the total."""
    form = desk.form()
    title = ("住院患者费用明细清单", "住院费用清单")[desk.variant % 2]
    form.title(title, above=stay.hospital.name)
    form.pairs(*who(person, by="身份证号"), Cell("住院号", stay.ipt_no, "ipt_no"))
    form.pairs(
        Cell("科室", stay.ward, "dept"),
        Cell("入院日期", desk.written(stay.admitted), "admit_date"),
        Cell("出院日期", desk.written(stay.discharged), "disch_date"),
    )
    form.fields["fixmedins_name"] = stay.hospital.name
    rows, total = [], Decimal(0)
    for number in range(stay.days * 3):
        name, spec, unit, price, grade = _ITEMS[(number * 5 + desk.seed) % len(_ITEMS)]
        count = 1 + (number + desk.seed) % 3
        amount = Decimal(price) * count
        total += amount
        day = stay.admitted + timedelta(days=number // 3)
        rows.append([f"{day:%m-%d}", name, spec, unit, price, str(count), f"{amount:.2f}", grade])
    header = ["日期", "项目名称", "规格", "单位", "单价", "数量", "金额", "类别"]
    shares = (0.9, 2.4, 1.2, 0.7, 1, 0.7, 1.1, 0.7)
    per_page = 27
    for start in range(0, len(rows), per_page):
        if start:
            form.new_page()
        form.table(header, rows[start : start + per_page], shares)
    form.y += 8
    whole = ("金额合计", "费用合计")[desk.variant % 2]
    form.pairs(Cell(whole, figure(total), "medfee_sumamt"), Cell("大写", capitals(total), "sumamt_words"))
    form.pairs(Cell("打印日期", desk.written()), Cell("打印人", desk.staff[0]))
    form.stamp(form.right - 80, form.y + 28, Seal(stay.hospital.name, "收费专用章", 44))
    form.page_numbers()
    return form.paper(
        "COST_LIST", "YB03", title, desk.iso, (person, "subject"), words=("磁共振平扫", "一次性输液器", "一级护理")
    )


def invoice(desk: Desk, person: Person, stay: Stay, *, outpatient: bool = False) -> Paper:
    """医疗收费票据 on half a sheet, printed in brown."""
    form = desk.form(HALF)
    title = "医疗门诊收费票据" if outpatient else "医疗住院收费票据"
    form.title(title, above="" if desk.variant else "江州省")
    form.pairs(
        Cell("票据代码", f"4206{desk.day:%y}01", "bill_code"),
        Cell("票据号码", f"00{desk.seed * 48_271 % 100_000_000:08d}", "bill_no"),
        Cell("校验码", f"{desk.seed * 7_919 % 1_000_000:06x}"[-6:], "bill_check"),
    )
    form.pairs(
        Cell("交款人", person.name, "person_name"),
        Cell("身份证号", person.certno, "certno"),
        Cell("开票日期", desk.written(), "bill_date"),
    )
    _fee_table(form, stay.total)
    form.grid(
        (
            Cell("金额合计（大写）", capitals(stay.total), "sumamt_words", 1.6),
            Cell("（小写）", figure(stay.total), "medfee_sumamt"),
        ),
        (
            Cell("统筹支付", figure(stay.fund), "hifp_pay"),
            Cell("账户支付", figure(stay.account), "acct_pay"),
            Cell("个人现金支付", figure(stay.cash), "psn_cash_pay"),
        ),
        (
            Cell("收款单位", stay.hospital.name, "fixmedins_name", 1.6),
            Cell("门诊号" if outpatient else "住院号", stay.ipt_no, "visit_no" if outpatient else "ipt_no"),
        ),
    )
    form.stamp(form.right - 120, form.y + 14, Seal(stay.hospital.name, "收费票据专用章", 50, oval=True))
    number = form.fields["bill_no"]
    return form.paper(
        "INVOICE",
        "YB04" if outpatient else "YB03",
        title,
        desk.iso,
        (person, "subject"),
        doc_no=number,
        words=("收款单位", "金额合计"),
    )


def reimbursement(desk: Desk, person: Person, stay: Stay, reason: str) -> Paper:
    form, staff = desk.form(), desk.staff
    title = ("医疗费用报销申请表", "手工（零星）报销单", "零星报销申请表")[desk.variant % 3]
    form.title(title)
    form.pairs(Cell("受理编号", desk.number("BX"), "case_no"), Cell("申请日期", desk.written(), "apply_date"))
    form.grid(
        who(person, by="身份证号码", name="参保人姓名"),
        (Cell("个人编号", person.psn_no, "psn_no"), Cell("联系电话", person.phone, "phone")),
        (Cell("就诊医院", stay.hospital.name, "fixmedins_name", 1.4), Cell("就医类别", "住院", "med_type")),
        (
            Cell("入院日期", desk.written(stay.admitted), "admit_date"),
            Cell("出院日期", desk.written(stay.discharged), "disch_date"),
        ),
        (Cell("诊断", stay.diagnosis, "diag_name"), Cell("票据张数", "1", "bill_count", 0.7)),
        (
            Cell("费用总额", figure(stay.total), "medfee_sumamt"),
            Cell("大写", capitals(stay.total), "sumamt_words", 1.8),
        ),
        (Cell("未直接结算原因", reason, "reason"),),
        (Cell("开户银行", "云泽农商银行", "bank_name"), Cell("银行账号", person.bank_card, "bank_acct", 1.4)),
        (Cell("户名", person.name, "acct_name"), Cell("报销金额", figure(stay.fund), "fund_pay_sumamt")),
    )
    form.opinion(
        "申请人", "本人保证所提交票据真实，未在其他渠道报销。", signer=person.name, signed=desk.chinese(), height=70
    )
    form.opinion("初审", "材料齐全，按规定审核。", signer=staff[0], signed=desk.chinese(desk.later(4)), height=70)
    form.opinion(
        "复核审批",
        f"同意报销{figure(stay.fund)}元。",
        signer=staff[1],
        signed=desk.chinese(desk.later(8)),
        seal=desk.seal(),
        height=92,
    )
    return form.paper(
        "REIMB",
        "YB03",
        title,
        desk.iso,
        (person, "subject"),
        doc_no=form.fields["case_no"],
        words=(reason[:8], "未在其他渠道报销"),
    )


def payment(desk: Desk, person: Person, amount: Decimal) -> Paper:
    form = desk.form(HALF)
    title = ("医疗保险基金支付凭证", "支付审批单")[desk.variant % 2]
    form.title(title)
    form.pairs(Cell("凭证号", desk.number("FZ"), "voucher_no"), Cell("日期", desk.written(), "voucher_date"))
    form.grid(
        (Cell("付款单位", desk.agency, "payer"),),
        (Cell("收款人", person.name, "payee"), Cell("银行账号", person.bank_card, "bank_acct", 1.4)),
        (Cell("开户银行", "云泽农商银行", "bank_name"), Cell("附单据数", "3", "bill_count", 0.7)),
        (
            Cell("金额（大写）", capitals(amount), "sumamt_words", 1.6),
            Cell("金额（小写）", f"¥{figure(amount)}", "amount"),
        ),
        (Cell("摘要", "手工报销医疗费用支付", "summary"),),
    )
    form.y += 10
    form.pairs(
        Cell("经办人", desk.staff[0], "handler"),
        Cell("审核人", desk.staff[1], "reviewer"),
        Cell("审批人", desk.staff[2], "approver"),
    )
    form.stamp(form.right - 80, form.y - 10, desk.seal("财务专用章", 42))
    return form.paper(
        "PAYMENT",
        "YB05",
        title,
        desk.iso,
        (person, "subject"),
        doc_no=form.fields["voucher_no"],
        words=("手工报销医疗费用",),
    )
