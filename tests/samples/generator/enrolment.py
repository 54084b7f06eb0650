"""Papers of enrolment: persons' and employers' registration, changes, transfers."""

from tests.samples.generator.form import Cell, Paper
from tests.samples.generator.office import Desk, who
from tests.samples.generator.people import Employer, Person
from tests.samples.generator.seals import Seal


def enrol_person(desk: Desk, person: Person, employer: Employer | None) -> Paper:
    """参保登记表; without employer that of residents."""
    form, handler = desk.form(), desk.staff[0]
    title = "城镇职工基本医疗保险参保登记表" if employer else "城乡居民基本医疗保险参保登记表"
    if employer and desk.variant % 2:
        title = "社会保险个人参保登记表"
    form.title(title, above=desk.agency if desk.variant % 2 else "")
    form.pairs(Cell("填表日期", desk.written(), "apply_date"), Cell("个人编号", person.psn_no, "psn_no"))
    label = "公民身份号码" if desk.variant % 2 == 0 else "身份证号码"
    form.grid(
        who(person, by=label),
        (
            Cell("性别", person.sex, "sex"),
            Cell("民族", person.ethnic, "ethnic"),
            Cell("出生日期", desk.written(person.born), "birth_date", 1.3),
        ),
        (
            Cell("户口性质", "非农业" if employer else "农业", "hukou_kind"),
            Cell("联系电话", person.phone, "phone", 1.5),
        ),
        (Cell("家庭住址", person.address, "address"),),
    )
    if employer:
        form.grid(
            (Cell("单位名称", employer.name, "emp_name", 1.6), Cell("单位编号", employer.emp_no, "emp_no", 1.2)),
            (
                Cell("缴费基数", f"{2600 + desk.seed % 40 * 85}.00", "contrib_base"),
                Cell("参保日期", desk.written(desk.day.replace(day=1)), "join_date"),
            ),
        )
    else:
        form.grid(
            (
                Cell("所在社区", "青石社区居民委员会"),
                Cell("参保日期", desk.written(desk.day.replace(day=1)), "join_date"),
            )
        )
    form.grid((Cell("参保险种", "职工基本医疗保险、大额医疗补助" if employer else "城乡居民基本医疗保险", "insutype"),))
    form.grid((Cell("人员类别", "☑在职　□退休　□灵活就业" if employer else "□学生儿童　☑成年居民　□老年居民"),))
    form.opinion(
        "本人申明",
        "本人保证以上所填内容真实、准确，并已知晓参保缴费、待遇享受的有关规定。",
        signer=person.name,
        signed=desk.chinese(),
    )
    if employer:
        form.opinion("单位意见", "情况属实，同意参保。", signed=desk.chinese(), seal=_company(employer))
    form.opinion(
        "经办意见",
        "经审核，符合参保条件，准予登记。",
        signer=handler,
        signed=desk.chinese(desk.later(1)),
        seal=desk.seal(),
    )
    form.y += 8
    form.pairs(Cell("经办人", handler), Cell("经办机构", desk.agency, "agency"))
    form.fields["handler"] = handler
    return form.paper(
        "ENROL_PERSON",
        "GL02",
        title,
        desk.iso,
        (person, "subject"),
        words=("准予登记", "参保险种", person.address[3:9]),
    )


def _company(employer: Employer) -> Seal:
    return Seal(employer.name, "", 44)


def enrol_unit(desk: Desk, employer: Employer, legal: Person) -> Paper:
    form = desk.form()
    title = ("社会保险登记表", "参保单位信息登记表")[desk.variant % 2]
    form.title(title, below="（用人单位填报）")
    form.pairs(Cell("登记日期", desk.written(), "register_date"), Cell("单位编号", employer.emp_no, "emp_no"))
    account = f"4205 0110 {desk.seed * 7919 % 10_000:04d} 0000 {desk.seed * 31 % 10_000:04d}".replace(" ", "")
    form.grid(
        (Cell("单位名称", employer.name, "emp_name"),),
        (Cell("统一社会信用代码", employer.uscc, "uscc"),),
        (Cell("单位地址", employer.address, "unit_address"),),
        (
            Cell("单位类型", "企业" if employer.uscc.startswith("91") else "事业单位", "unit_kind"),
            Cell("联系电话", legal.phone, "phone"),
        ),
        (Cell("法定代表人", legal.name, "legal_rep"), Cell("身份证号码", legal.certno, "legal_rep_certno", 1.5)),
        (Cell("开户银行", "云泽农商银行青石支行", "bank_name"), Cell("银行账号", account, "bank_acct", 1.3)),
        (Cell("参保险种", "☑职工基本医疗保险　☑生育保险　☑大额医疗补助", "insutype"),),
        (
            Cell("职工人数", str(8 + desk.seed % 60), "headcount"),
            Cell("参保日期", desk.written(desk.day.replace(day=1)), "join_date"),
        ),
    )
    form.fields["insutype"] = form.fields["insutype"].replace("☑", "")
    form.opinion(
        "单位意见", "以上所填情况属实。", signer=legal.name, signed=desk.chinese(), seal=_company(employer), height=110
    )
    form.opinion(
        "经办机构",
        "材料齐全，同意登记。",
        signer=desk.staff[0],
        signed=desk.chinese(desk.later(2)),
        seal=desk.seal(),
        height=110,
    )
    return form.paper(
        "ENROL_UNIT", "GL01", title, desk.iso, (legal, "legal-representative"), words=(employer.name[3:11], "同意登记")
    )


def change_person(desk: Desk, person: Person, *, item: str, before: str, after: str, reason: str) -> Paper:
    form, staff = desk.form(), desk.staff
    title = ("参保人员信息变更申请表", "参保人员信息变更登记表")[desk.variant % 2]
    form.title(title)
    form.pairs(Cell("申请日期", desk.written(), "apply_date"), Cell("个人编号", person.psn_no, "psn_no"))
    form.grid(
        who(person, by="身份证号"),
        (Cell("联系电话", person.phone, "phone"), Cell("人员类别", "在职")),
        (Cell("变更事项", item, "change_item"),),
        (Cell("变更前", before, "change_before"), Cell("变更后", after, "change_after")),
        (Cell("变更原因", reason, "change_reason"),),
    )
    form.opinion("申请人", "本人承诺所提供的变更证明材料真实有效。", signer=person.name, signed=desk.chinese())
    form.opinion(
        "经办意见",
        "已核对证明材料原件，同意变更。",
        signer=staff[0],
        signed=desk.chinese(desk.later(1)),
        seal=desk.seal(),
    )
    form.opinion("复核意见", "复核无误。", signer=staff[1], signed=desk.chinese(desk.later(2)))
    return form.paper("CHANGE", "GL02", title, desk.iso, (person, "subject"), words=("变更事项", "同意变更", after[:8]))


def transfer(desk: Desk, person: Person, *, origin: str, target: str) -> Paper:
    form = desk.form()
    title = ("基本医疗保险关系转移接续申请表", "基本医疗保险参保凭证", "基本医疗保险关系转移接续联系函")[
        desk.variant % 3
    ]
    form.title(title)
    form.pairs(Cell("受理编号", desk.number("ZY"), "case_no"), Cell("申请日期", desk.written(), "apply_date"))
    months = 24 + desk.seed % 90
    form.grid(
        who(person),
        (Cell("性别", person.sex, "sex"), Cell("联系电话", person.phone, "phone", 1.5)),
        (Cell("转出地", origin, "transfer_from"), Cell("转入地", target, "transfer_to")),
        (
            Cell("缴费月数", str(months), "contrib_months"),
            Cell("账户余额", f"{1200 + desk.seed * 17 % 900}.{desk.seed % 90 + 10}", "acct_balance"),
        ),
        (Cell("转移原因", "跨统筹地区就业", "change_reason"),),
    )
    form.opinion(
        "申请人", "本人申请将基本医疗保险关系转入新参保地，并接续缴费年限。", signer=person.name, signed=desk.chinese()
    )
    form.opinion(
        "转出地经办机构",
        "参保缴费情况属实，无欠费。",
        signer=desk.staff[0],
        signed=desk.chinese(desk.later(5)),
        seal=desk.seal(),
        height=110,
    )
    return form.paper(
        "TRANSFER",
        "GL07",
        title,
        desk.iso,
        (person, "subject"),
        doc_no=form.fields["case_no"],
        words=("跨统筹地区就业", "缴费年限"),
    )
