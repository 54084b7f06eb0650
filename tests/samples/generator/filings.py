"""Papers that ask and grant: referral, care elsewhere, chronic disease, special treatment, maternity."""

from datetime import date
from decimal import Decimal

from tests.samples.generator.amounts import figure
from tests.samples.generator.form import Cell, Paper
from tests.samples.generator.office import Desk, who
from tests.samples.generator.people import Person, Provider
from tests.samples.generator.seals import Seal


def referral(desk: Desk, person: Person, origin: Provider, target: Provider, *, diagnosis: str, code: str) -> Paper:
    form = desk.form()
    title = ("转诊转院审批表", "基本医疗保险转诊转院备案表", "转诊转院申请表")[desk.variant % 3]
    form.title(title)
    form.pairs(Cell("申请日期", desk.written(), "apply_date"), Cell("个人编号", person.psn_no, "psn_no"))
    form.grid(
        who(person),
        (Cell("性别", person.sex, "sex"), Cell("联系电话", person.phone, "phone", 1.5)),
        (Cell("转出医院", origin.name, "fixmedins_name"), Cell("转入医院", target.name, "transfer_hospital")),
        (Cell("诊断", diagnosis, "diag_name", 1.4), Cell("疾病编码", code, "diag_code")),
        (Cell("转诊理由", "本院条件所限，需进一步明确诊断及手术治疗", "reason"),),
        (Cell("有效期", f"{desk.chinese()}至{desk.chinese(desk.later(180))}", "valid_period"),),
    )
    form.opinion("主治医师", "病情较重，建议转上级医院。", signer="陆远航", signed=desk.chinese())
    form.opinion(
        "医院意见",
        "同意转院。",
        signed=desk.chinese(desk.later(1)),
        seal=Seal(origin.name, "医保办公室", 46),
        key="hospital_opinion",
    )
    form.opinion(
        "经办机构意见",
        "同意备案，按转外就医规定报销。",
        signer=desk.staff[0],
        signed=desk.chinese(desk.later(2)),
        seal=desk.seal(),
        key="decision",
    )
    return form.paper(
        "REFERRAL", "YB01", title, desk.iso, (person, "subject"), words=("建议转上级医院", "转诊理由", diagnosis[:6])
    )


def offsite(desk: Desk, person: Person, place: str, agent: Person | None = None) -> Paper:
    form = desk.form()
    title = ("异地就医备案登记表", "跨省异地就医登记备案表")[desk.variant % 2]
    form.title(title)
    form.grid(
        who(person, by="身份证号"),
        (
            Cell("性别", person.sex, "sex"),
            Cell("人员类别", "退休", "psn_type"),
            Cell("联系电话", person.phone, "phone", 1.5),
        ),
        (Cell("备案类型", "☑异地安置退休人员　□异地长期居住　□常驻异地工作", "refl_type"),),
        (Cell("参保地", desk.cast.city, "admdvs"), Cell("就医地", place, "care_place")),
        (Cell("居住地址", f"{place}滨湖路 60 号", "address"),),
        (
            Cell("开始日期", desk.written(desk.later(5)), "effective_from"),
            Cell("申请日期", desk.written(), "apply_date"),
        ),
    )
    form.fields["refl_type"] = "异地安置退休人员"
    people = [(person, "subject")]
    if agent:
        form.grid((Cell("代办人", agent.name, "agent_name"), Cell("代办人身份证号", agent.certno, "agent_certno", 1.5)))
        people.append((agent, "agent"))
    form.opinion(
        "本人承诺",
        "本人知晓异地就医备案政策，承诺所填信息真实有效。",
        signer=(agent or person).name,
        signed=desk.chinese(),
    )
    form.opinion("经办意见", "同意备案。", signer=desk.staff[0], signed=desk.chinese(desk.later(1)), seal=desk.seal())
    return form.paper("OFFSITE", "YB01", title, desk.iso, *people, words=("异地安置退休人员", "同意备案"))


def chronic(desk: Desk, person: Person, hospital: Provider, *, disease: str, code: str) -> Paper:
    form = desk.form()
    title = ("门诊慢性病认定审批表", "门诊慢特病病种待遇认定申请表", "门诊慢特病认定申请表")[desk.variant % 3]
    form.title(title)
    form.pairs(Cell("申请日期", desk.written(), "apply_date"), Cell("个人编号", person.psn_no, "psn_no"))
    form.grid(
        who(person),
        (
            Cell("性别", person.sex, "sex"),
            Cell("出生日期", desk.written(person.born), "birth_date"),
            Cell("联系电话", person.phone, "phone", 1.3),
        ),
        (Cell("家庭住址", person.address, "address"),),
        (Cell("申请病种", disease, "diag_name"), Cell("病种编码", code, "opsp_dise_code")),
        (
            Cell(
                "诊断依据",
                f"反复就诊两年以上，经{hospital.name}检查，符合{disease}诊断标准，需长期服药。",
                "diag_basis",
            ),
        ),
        (Cell("定点医疗机构", hospital.name, "fixmedins_name"), Cell("责任医师", "陆远航", "doctor", 0.8)),
    )
    form.opinion(
        "医院意见",
        "诊断明确，建议认定。",
        signer="陆远航",
        signed=desk.chinese(),
        seal=Seal(hospital.name, "医保办公室", 46),
        key="hospital_opinion",
    )
    form.opinion("专家意见", "符合准入标准。", signer="韩启明", signed=desk.chinese(desk.later(6)))
    form.opinion(
        "经办机构意见",
        "符合认定标准，准予享受待遇。",
        signer=desk.staff[1],
        signed=desk.chinese(desk.later(9)),
        seal=desk.seal(),
        key="decision",
    )
    form.y += 8
    form.pairs(Cell("有效期", f"{desk.chinese(desk.later(9))}至{desk.chinese(desk.later(739))}", "valid_period"))
    return form.paper(
        "CHRONIC", "YB02", title, desk.iso, (person, "subject"), words=(disease[:8], "反复就诊两年以上", "准予享受待遇")
    )


def special(desk: Desk, person: Person, hospital: Provider, *, item: str, diagnosis: str, cost: Decimal) -> Paper:
    form = desk.form()
    title = ("特殊检查治疗审批表", "特殊药品使用申请表")[desk.variant % 2]
    form.title(title)
    form.grid(
        who(person, by="身份证号码"),
        (Cell("医疗机构名称", hospital.name, "fixmedins_name"), Cell("联系电话", person.phone, "phone")),
        (Cell("诊断", diagnosis, "diag_name"), Cell("申请日期", desk.written(), "apply_date")),
        (Cell("药品名称" if desk.variant % 2 else "项目名称", item, "item_name"), Cell("预计费用", figure(cost))),
        (Cell("申请理由", "常规治疗效果不佳，基因检测结果支持使用。", "reason"),),
        (
            Cell("责任医师", "陆远航", "doctor"),
            Cell("有效期", f"{desk.chinese()}至{desk.chinese(desk.later(365))}", "valid_period", 2.2),
        ),
    )
    form.opinion(
        "医院意见",
        "同意申请。",
        signed=desk.chinese(),
        seal=Seal(hospital.name, "医保办公室", 46),
        key="hospital_opinion",
    )
    form.opinion(
        "审批意见",
        "同意使用，按规定支付。",
        signer=desk.staff[0],
        signed=desk.chinese(desk.later(3)),
        seal=desk.seal(),
        key="decision",
    )
    return form.paper("SPECIAL", "YB01", title, desk.iso, (person, "subject"), words=(item[:8], "基因检测结果"))


def maternity(  # noqa: PLR0917  as on the form
    desk: Desk, person: Person, spouse: Person, hospital: Provider, born: date, allowance: Decimal
) -> Paper:
    form = desk.form()
    title = ("生育保险待遇申请表", "生育津贴申领表")[desk.variant % 2]
    form.title(title)
    form.grid(
        who(person),
        (Cell("配偶姓名", spouse.name, "spouse_name"), Cell("联系电话", person.phone, "phone")),
        (
            Cell("分娩日期", desk.written(born), "birth_event_date"),
            Cell("生育医院", hospital.name, "fixmedins_name", 1.3),
        ),
        (Cell("津贴天数", "158", "allowance_days"), Cell("津贴金额", figure(allowance), "allowance_amt")),
        (Cell("开户银行", "云泽农商银行", "bank_name"), Cell("银行账号", person.bank_card, "bank_acct", 1.3)),
        (Cell("申请日期", desk.written(), "apply_date"),),
    )
    form.opinion("申请人", "所填内容属实。", signer=person.name, signed=desk.chinese())
    form.opinion("经办意见", "审核通过。", signer=desk.staff[0], signed=desk.chinese(desk.later(7)), seal=desk.seal())
    return form.paper("MATERNITY", "BY03", title, desk.iso, (person, "subject"), words=("津贴天数", "分娩日期"))
