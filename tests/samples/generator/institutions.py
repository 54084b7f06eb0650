"""Papers about hospitals, pharmacies and their inspection, and what patients bring along."""

from tests.samples.generator.benefits import Stay
from tests.samples.generator.drawing import Patch
from tests.samples.generator.form import Cell, Paper
from tests.samples.generator.office import Desk
from tests.samples.generator.people import Person, Provider
from tests.samples.generator.seals import Seal

_CLAUSES = (
    "甲乙双方应当严格遵守国家和本市医疗保障有关法律、法规和政策规定，维护参保人员的合法权益。",
    "乙方应当建立健全内部医疗保障管理制度，配备专（兼）职管理人员，如实上传结算数据。",
    "乙方为参保人员提供服务时，应当核验其医疗保障凭证，做到人证相符，不得冒名就医、购药。",
    "甲方应当按月审核乙方申报的费用，并在审核后三十日内拨付，预留百分之五的质量保证金。",
    "乙方有下列情形之一的，甲方可以约谈、暂停拨付、不予支付费用直至解除协议：虚构服务、串换项目、分解住院。",
    "本协议一式三份，甲乙双方各执一份，报医疗保障行政部门备案一份，自双方签字盖章之日起生效。",
)


def agreement(desk: Desk, provider: Provider) -> Paper:
    """服务协议 of two sheets with clauses and both seals, for a hospital or a pharmacy by the provider's code."""
    form, hospital = desk.form(), provider.code.startswith("H")
    title = "定点医疗机构医疗保障服务协议书" if hospital else "定点零售药店医疗保障服务协议"
    form.y += 30
    form.title(title)
    number = f"{desk.cast.city[0]}医保协〔{desk.day.year}〕{desk.seed % 90 + 10}号"
    until = desk.day.replace(month=12, day=31)
    form.pairs(Cell("协议编号", number, "agreement_no"))
    form.pairs(Cell("甲方", desk.agency, "party_a"))
    form.pairs(Cell("乙方", provider.name, "party_b"))
    form.pairs(Cell("医疗机构代码" if hospital else "药店代码", provider.code, "fixmedins_code"))
    form.pairs(Cell("法定代表人", provider.legal_rep, "legal_rep"), Cell("地址", provider.address, "unit_address"))
    form.pairs(Cell("协议期限", f"自{desk.chinese()}起至{desk.chinese(until)}止"))
    form.fields |= {"effective_from": desk.chinese(), "effective_to": desk.chinese(until)}
    for place, clause in enumerate(_CLAUSES, start=1):
        form.paragraph(f"第{'一二三四五六'[place - 1]}条　{clause}", gap=11)
        if place == 4:
            form.new_page()
    form.y += 40
    form.text(form.left + 20, form.y, "甲方（盖章）：")
    form.text(form.left + 290, form.y, "乙方（盖章）：")
    form.stamp(form.left + 130, form.y + 20, desk.seal("合同专用章", 54))
    form.stamp(form.left + 410, form.y + 20, Seal(provider.name, "", 54))
    form.y += 70
    form.pairs(Cell("签订日期", desk.chinese(), "sign_date"))
    form.page_numbers()
    kind = "AGREE_HOSP" if hospital else "AGREE_PHARM"
    return form.paper(kind, "GL08", title, desk.iso, doc_no=number, words=("质量保证金", "分解住院"))


def qualification(desk: Desk, provider: Provider) -> Paper:
    form, hospital = desk.form(), provider.code.startswith("H")
    title = "定点医疗机构申请表" if hospital else "定点零售药店申请表"
    form.title(title)
    form.grid(
        (Cell("机构名称", provider.name, "fixmedins_name"),),
        (Cell("统一社会信用代码", provider.uscc, "uscc"),),
        (
            Cell("许可证号", f"PDY{provider.code[1:]}{desk.day.year}", "licence_no"),
            Cell("法定代表人", provider.legal_rep, "legal_rep"),
        ),
        (Cell("单位地址", provider.address, "unit_address"),),
        (Cell("有效期", f"{desk.chinese()}至{desk.chinese(desk.later(1825))}", "valid_period"),),
        (Cell("申请日期", desk.written(), "apply_date"), Cell("等级", provider.level)),
    )
    form.opinion(
        "申请单位",
        "自愿申请成为定点医药机构，所提供材料真实有效。",
        signer=provider.legal_rep,
        signed=desk.chinese(),
        seal=Seal(provider.name, "", 46),
        height=120,
    )
    form.opinion(
        "评估意见",
        "经现场评估，得分92分，符合条件。",
        signer=desk.staff[0],
        signed=desk.chinese(desk.later(20)),
        height=110,
    )
    form.opinion(
        "审批意见",
        "同意纳入定点管理。",
        signed=desk.chinese(desk.later(30)),
        seal=desk.seal(),
        height=120,
        key="decision",
    )
    return form.paper("QUALIFY", "GL08", title, desk.iso, words=("同意纳入定点管理", "现场评估"))


def audit_notice(desk: Desk, provider: Provider) -> Paper:
    form = desk.form()
    title = ("医疗保障稽核通知书", "整改意见书")[desk.variant % 2]
    form.y += 20
    form.title(title)
    number = f"{desk.cast.city[0]}医保稽〔{desk.day.year}〕{desk.seed % 40 + 3}号"
    form.pairs(Cell("文号", number, "doc_no"))
    form.pairs(Cell("被稽核单位", provider.name, "audited_party"))
    form.pairs(Cell("事由", "住院费用专项稽核", "reason"))
    form.paragraph(f"{provider.name}：", indent=False, gap=12)
    form.paragraph(
        "根据《医疗保障基金使用监督管理条例》的规定，我单位决定对你单位上一年度医疗保障基金使用情况进行稽核，请予配合，并准备住院病历、费用清单、进销存台账等材料。",
        gap=12,
    )
    form.paragraph(
        "重点核查：挂床住院、重复收费、超标准收费、将不属于医疗保障基金支付范围的费用纳入结算等情形。", gap=12
    )
    form.paragraph(f"稽核人员：{desk.staff[0]}、{desk.staff[1]}。特此通知。", gap=12)
    form.y += 50
    form.text(form.right - 190, form.y, desk.agency)
    form.text(form.right - 150, form.y + 24, desk.chinese())
    form.fields["doc_date"] = desk.chinese()
    form.stamp(form.right - 110, form.y + 14, desk.seal("", 56))
    return form.paper("AUDIT_DOC", "JH01", title, desk.iso, doc_no=number, words=("挂床住院", "进销存台账", "重复收费"))


def discharge(desk: Desk, person: Person, stay: Stay) -> Paper:
    form = desk.form()
    title = ("出院小结", "疾病诊断证明书", "出院记录")[desk.variant % 3]
    form.title(title, above=stay.hospital.name)
    form.pairs(
        Cell("姓名", person.name, "person_name"),
        Cell("性别", person.sex, "sex"),
        Cell("身份证号", person.certno, "certno"),
    )
    form.pairs(
        Cell("科室", stay.ward, "dept"),
        Cell("住院号", stay.ipt_no, "ipt_no"),
        Cell("床号", str(desk.seed % 40 + 1), "bed_no"),
    )
    form.pairs(
        Cell("入院日期", desk.written(stay.admitted), "admit_date"),
        Cell("出院日期", desk.written(stay.discharged), "disch_date"),
        Cell("住院天数", str(stay.days), "days"),
    )
    form.pairs(Cell("出院诊断", stay.diagnosis, "diag_name"))
    form.fields["fixmedins_name"] = stay.hospital.name
    form.paragraph(
        "入院情况：患者因反复不适一月余，加重三天入院。神志清，精神一般，心肺听诊未闻及明显异常，腹软无压痛。", gap=10
    )
    form.paragraph(
        "诊疗经过：入院后完善血常规、肝肾功能、心电图、影像学等相关检查，予对症支持治疗，症状逐渐缓解。", gap=10
    )
    form.paragraph("出院医嘱：低盐低脂饮食，规律服药，两周后门诊复查，如有不适随时就诊。", gap=10)
    form.y += 30
    form.pairs(Cell("医师", "陆远航", "doctor"), Cell("日期", desk.written(), "doc_date"))
    form.sign(form.left + 110, form.y - 26, "陆远航")
    form.stamp(form.right - 100, form.y + 10, Seal(stay.hospital.name, "诊断证明专用章", 48))
    return form.paper(
        "DISCHARGE",
        "",
        title,
        desk.iso,
        (person, "subject"),
        words=("低盐低脂饮食", "两周后门诊复查", stay.diagnosis[:6]),
    )


def identity_copy(desk: Desk, person: Person) -> Paper:
    """A copier's sheet with both sides of an identity card, and the stamp 复印件与原件一致."""
    form = desk.form()
    title = "居民身份证"
    x, y = 150.0, 120.0
    for top in (y, y + 260):
        form.sheet.marks.append(Patch(x, top, 300, 190, (226, 230, 234)))
    rows = (
        ("姓名", person.name, "person_name"),
        ("性别", person.sex, "sex"),
        ("出生", desk.chinese(person.born), "birth_date"),
    )
    for place, (label, value, key) in enumerate(rows):
        end = form.text(x + 18, y + 20 + place * 26, label, size=10, colour=(60, 90, 130))
        form.text(end + 10, y + 19 + place * 26, value, size=12, face=form.style.value_face)
        form.fields[key] = value
    form.text(x + 100, y + 46, f"民族　{person.ethnic[:-1]}", size=10, colour=(60, 90, 130))
    form.text(x + 18, y + 98, "住址", size=10, colour=(60, 90, 130))
    for line, part in enumerate(form.wrapped(person.address, 150, form.style.value_face, 11)):
        form.text(x + 48, y + 97 + line * 15, part, size=11)
    form.text(x + 18, y + 158, "公民身份号码", size=10, colour=(60, 90, 130))
    form.text(x + 100, y + 155, person.certno, size=13, face="sans")
    form.sheet.marks.append(Patch(x + 210, y + 24, 68, 86, (150, 154, 158)))
    form.centred(y + 260 + 40, "中华人民共和国", size=15)
    form.centred(y + 260 + 68, title, size=20)
    form.text(x + 60, y + 260 + 130, f"签发机关　{desk.cast.city}公安局", size=10)
    form.text(x + 60, y + 260 + 152, "有效期限　2015.06.11-2035.06.11", size=10)
    form.text(160, 640, "复印件与原件一致", size=14, colour=(40, 60, 160))
    form.text(160, 662, f"经办人 {desk.staff[0]}　{desk.written()}", size=11, colour=(40, 60, 160))
    form.fields["certno"] = person.certno
    return form.paper("ID_COPY", "", title, desk.iso, (person, "subject"), words=("签发机关", "复印件与原件一致"))


def cover(desk: Desk, titles: list[tuple[str, str]]) -> Paper:
    """卷内目录: structure, not content."""
    form = desk.form()
    title = "卷内文件目录"
    form.title(title)
    rows = [[str(n), t, d, str(n)] for n, (t, d) in enumerate(titles, start=1)]
    form.table(["序号", "题名", "日期", "页号"], [*rows, *[["", "", "", ""]] * 8], (0.5, 3, 1.2, 0.6), row=26)
    return form.paper("COVER", "", title, None, words=("卷内文件目录", "题名"))


def note(desk: Desk, person: Person) -> Paper:
    """便条: by hand, of no known type."""
    form = desk.form()
    form.y = 150
    lines = (
        "小叶：",
        f"{person.name}的材料先放我这里，等他儿子下周把补的",
        "发票送来再一起录。柜子钥匙在老许那边。",
        "　　　　　　　　　　　　　晓东　周三",
    )
    for place, line in enumerate(lines):
        form.text(70, form.y + place * 42, line, size=19, face=form.style.sign_face, colour=(30, 45, 110))
    return form.paper("", "", "", None, words=("柜子钥匙", "发票送来"))


def slip(desk: Desk, person: Person) -> Paper:
    """收条: by hand, dated, of no known type."""
    form = desk.form()
    form.y = 130
    form.centred(form.y - 40, "收　条", size=24, face=form.style.sign_face, colour=(30, 45, 110))
    lines = (
        f"　　今收到{person.name}交来住院发票原件三张、出院小结",
        "一份，待科里核对后退还。此条为凭。",
        f"　　　　　　　　　　　　　收件人：{desk.staff[1]}",
        f"　　　　　　　　　　　　　{desk.chinese()}",
    )
    for place, line in enumerate(lines):
        form.text(64, form.y + 26 + place * 40, line, size=18, face=form.style.sign_face, colour=(30, 45, 110))
    return form.paper("", "", "", desk.iso, words=("此条为凭", "今收到"))
