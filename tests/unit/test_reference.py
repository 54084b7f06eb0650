import re
from collections import Counter
from typing import Any

import pytest

from archive_app.core.errors import InvalidInput
from archive_app.core.masking import mask
from archive_app.core.reference import (
    Condition,
    Kind,
    Masking,
    ReferenceTables,
    bundled,
    parse,
    read_toml,
)
from archive_app.core.vocabulary import Action, Level, PartyRole, ProviderKind

TABLES = ReferenceTables.bundled()
ADMINISTRATORS = {"system-administrator", "security-administrator", "audit-administrator"}


def mapping_of(kind: Kind) -> dict[str, Any]:
    return dict(read_toml(bundled()[kind]))


def entry_of(mapping: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in mapping["entries"] if entry["code"] == code)
    return found


def faults_with(kind: Kind, mapping: dict[str, Any]) -> dict[str, object]:
    tables = [parse(each, mapping if each is kind else mapping_of(each)) for each in Kind]
    with pytest.raises(InvalidInput) as refused:
        ReferenceTables.of(tables)
    assert refused.value.code == "reference-faults"
    return refused.value.parameters


# ---------------------------------------------------------------- what the bundled tables say


@pytest.mark.parametrize(
    ("code", "period"),
    [
        ("GL01", "Y"),
        ("GL02", "D100"),
        ("GL05", "D50"),
        ("YB03", "D10"),
        ("YB04", "D10"),
        ("YB06", "D30"),
        ("YB07", "Y"),
        ("TJ02", "D30"),
        ("JH04", "Y"),
        ("GS02", "D50"),
        ("KU01", "D30"),
    ],
)
def test_classes_carry_the_terms_of_order_3(code: str, period: str):
    assert TABLES.rule_for(code).period == period


def test_the_scheme_has_the_nine_classes_of_order_3_and_accounting_records():
    tops = [node.code for node in TABLES.classes if node.parent is None]
    assert tops == ["GL", "ZJ", "YL", "YB", "SY", "GS", "BY", "TJ", "JH", "KU"]


def test_each_benefit_class_ends_with_vouchers_details_and_annual_summary():
    for top in ("YL", "YB", "SY", "GS", "BY"):
        nodes = [node for node in TABLES.classes if node.parent == top]
        assert [TABLES.rule_for(node.code).code for node in nodes[-3:]] == ["KU30", "D30", "Y"]


def test_a_branch_of_the_scheme_takes_no_records():
    with pytest.raises(InvalidInput) as refused:
        TABLES.rule_for("YB")
    assert refused.value.code == "class-takes-no-records"


def test_an_agreement_runs_from_its_end_while_its_class_runs_from_formation():
    assert TABLES.rule_for("GL08").code == "D30"
    assert TABLES.rule_for("GL08", type_code="AGREE_HOSP").code == "A30"
    assert TABLES.rule_for("GL08", type_code="QUALIFY").code == "D30"


def test_a_class_names_all_classes_above_it():
    assert [node.code for node in TABLES.path_of("YB03")] == ["YB", "YB03"]


@pytest.mark.parametrize(
    ("type_code", "given", "class_code"),
    [
        ("SETTLE", {Condition.INPATIENT}, "YB03"),
        ("SETTLE", {Condition.OUTPATIENT}, "YB04"),
        ("SETTLE", set(), None),
        ("CHANGE", {Condition.EMPLOYER}, "GL01"),
        ("CHANGE", {Condition.PERSON}, "GL02"),
        ("CHANGE", set(), "GL02"),
        ("INVOICE", {Condition.VOUCHER, Condition.INPATIENT}, "KU01"),
        ("INVOICE", {Condition.OUTPATIENT}, "YB04"),
        ("REFERRAL", set(), "YB01"),
        ("AUDIT_DOC", {Condition.MAJOR}, "JH04"),
        ("PAYMENT", {Condition.ANNUAL}, "YB07"),
        ("DISCHARGE", {Condition.INPATIENT}, None),
        ("COVER", set(), None),
    ],
)
def test_a_type_is_filed_by_the_fact_that_decides(type_code: str, given: set[Condition], class_code: str | None):
    node = TABLES.class_for(type_code, given=given)
    assert (node.code if node else None) == class_code


@pytest.mark.parametrize(
    ("type_code", "title", "given", "class_code"),
    [
        ("SETTLE_ORG", "医疗保障基金结算清单", {Condition.DETAIL, Condition.INPATIENT}, "YB03"),
        ("SETTLE_ORG", "2024年3月住院费用结算汇总表", {Condition.DETAIL, Condition.INPATIENT}, "YB06"),
        ("CONTRIB", "某市社会保险费 征缴明细表", {Condition.DETAIL}, "ZJ04"),
        ("CONTRIB", "参保人员花名册", {Condition.DETAIL}, "ZJ01"),
        ("CONTRIB", "2024年度缴费申报表", {Condition.ANNUAL, Condition.DECLARATION}, "ZJ01"),
        ("CONTRIB", "补缴申报表", {Condition.ARREARS, Condition.DECLARATION}, "ZJ02"),
        ("PAYMENT", "基金支付年度汇总表", {Condition.ANNUAL, Condition.DETAIL}, "YB07"),
        ("STAT_REPORT", "2024年度基金决算表", {Condition.ANNUAL, Condition.BUDGET}, "TJ04"),
    ],
)
def test_a_title_decides_before_facts_and_facts_in_the_order_of_the_table(
    type_code: str, title: str, given: set[Condition], class_code: str
):
    node = TABLES.class_for(type_code, given=given, title=title)
    assert node is not None
    assert node.code == class_code


def test_all_types_of_the_guide_are_there():
    assert set(TABLES.document_types.by_code) == {
        *("ENROL_PERSON", "ENROL_UNIT", "CHANGE", "TRANSFER", "CONTRIB", "ACCOUNT", "AGREE_HOSP", "AGREE_PHARM"),
        *("QUALIFY", "SETTLE", "SETTLE_ORG", "COST_LIST", "INVOICE", "REIMB", "REFERRAL", "OFFSITE", "CHRONIC"),
        *("SPECIAL", "DISCHARGE", "PAYMENT", "AUDIT_DOC", "MATERNITY", "STAT_REPORT", "ID_COPY", "COVER"),
    }


def test_no_title_belongs_to_two_types_and_no_label_to_two_fields():
    titles = Counter(title for item in TABLES.document_types for title in item.titles)
    labels = Counter(label for item in TABLES.fields for label in item.labels)
    assert [text for text, times in (titles + labels).items() if times > 1] == []


def test_a_type_does_not_turn_down_its_own_titles():
    for item in TABLES.document_types:
        for title in item.titles:
            longer = [other for other in item.negative_titles if other in title]
            assert longer == [], f"{item.code}: {title}"


def test_medical_papers_start_as_sensitive_and_papers_of_unknown_type_too():
    for code in ("SETTLE", "REFERRAL", "CHRONIC", "DISCHARGE", "COST_LIST", "MATERNITY"):
        assert TABLES.level_for(code) is Level.SENSITIVE
    assert TABLES.level_for(None) is Level.SENSITIVE
    assert TABLES.level_for("AGREE_HOSP") is Level.INTERNAL


def test_a_type_that_takes_personal_values_of_citizens_is_never_below_sensitive():
    for item in TABLES.document_types:
        if {"person_name", "certno"} <= {field.key for field in item.fields}:
            assert Level.of(item.level) >= Level.SENSITIVE, item.code


def test_agreements_say_which_kind_of_institution_they_are_with():
    assert TABLES.document_types.of("AGREE_HOSP").provider is ProviderKind.HOSPITAL
    assert TABLES.document_types.of("AGREE_PHARM").provider is ProviderKind.PHARMACY


def test_fields_that_name_a_citizen_are_masked_and_amounts_are_not():
    for key, masking in {
        "person_name": Masking.NAME,
        "certno": Masking.CITIZEN_NUMBER,
        "agent_certno": Masking.CITIZEN_NUMBER,
        "phone": Masking.PHONE,
        "bank_acct": Masking.BANK_CARD,
        "address": Masking.ADDRESS,
        "diag_name": Masking.DIAGNOSIS,
        "medfee_sumamt": Masking.NONE,
    }.items():
        assert TABLES.field(key).masking is masking
    assert {"certno", "diag_code", "birth_date"} <= TABLES.personal_fields
    assert "fixmedins_name" not in TABLES.personal_fields


def test_every_masking_of_a_personal_field_hides_the_value():
    for masking in set(Masking) - {Masking.NONE}:
        for value in ("张小明", "11010519491231002X", "13800138000", "6222020200112230005", "高血压"):
            assert mask(masking, value) != value


def test_fields_feed_the_parties_of_a_record():
    assert TABLES.field("transfer_hospital").role is PartyRole.TRANSFER_HOSPITAL
    assert TABLES.field("emp_name").role is PartyRole.EMPLOYER
    assert TABLES.field("certno").role is PartyRole.SUBJECT


def test_a_seal_of_any_body_is_defined_by_seal():
    assert TABLES.field("seal:agency") is TABLES.field("seal")


def test_the_required_fields_of_a_referral_are_told():
    required = {field.code for field, is_required in TABLES.fields_of("REFERRAL") if is_required}
    assert required == {"person_name", "certno", "fixmedins_name", "transfer_hospital", "diag_name"}
    assert required == TABLES.document_types.of("REFERRAL").required_fields


# ---------------------------------------------------------------- roles


def test_the_roles_are_those_of_the_contract():
    assert set(TABLES.roles.by_code) == ADMINISTRATORS | {
        *("archivist", "scan-operator", "inspector", "clerk", "auditor", "appraiser", "head")
    }


def test_those_who_may_unmask_are_archivist_inspector_auditor_appraiser_and_head():
    unmasking = {role.code for role in TABLES.roles if Action.VALUE_UNMASK in role.actions}
    assert unmasking == {"archivist", "inspector", "auditor", "appraiser", "head"}


def test_no_administrator_reads_records_or_holds_another_role():
    for code in ADMINISTRATORS:
        actions = TABLES.actions_of([code])
        assert not {action for action in actions if action.split(":")[0] in {"record", "value", "person", "intake"}}
        others = set(TABLES.roles.by_code) - {code}
        assert {other for other in others if TABLES.role_conflicts([code, other])} == others


def test_creating_accounts_granting_and_reading_the_log_are_three_offices():
    for action in (Action.USER_ADD, Action.USER_GRANT, Action.AUDIT_READ):
        holders = {role.code for role in TABLES.roles if action in role.actions}
        assert len(holders) == 1
        assert holders <= ADMINISTRATORS


def test_every_action_can_be_granted_by_some_role():
    assert TABLES.actions_of(TABLES.roles.by_code) == frozenset(Action)


def test_nobody_may_both_draft_and_approve_by_one_role():
    for role in TABLES.roles:
        disposal = {Action.DISPOSAL_DRAFT, Action.DISPOSAL_REVIEW, Action.DISPOSAL_APPROVE} & set(role.actions)
        assert len(disposal) <= 1
        assert not {Action.EVIDENCE_REQUEST, Action.EVIDENCE_APPROVE} <= set(role.actions)
        assert not {Action.RECORD_CORRECT, Action.CORRECTION_APPROVE} <= set(role.actions)


def test_roles_that_go_together_have_no_conflict():
    assert TABLES.role_conflicts(["archivist", "clerk"]) == ()
    assert TABLES.role_conflicts(["clerk", "audit-administrator", "archivist"]) == (
        ("archivist", "audit-administrator"),
        ("audit-administrator", "clerk"),
    )


# ---------------------------------------------------------------- purposes, regions, lanes


def test_the_purposes_are_those_of_the_contract():
    assert list(TABLES.purposes.by_code) == [
        *("own-record", "benefit-review", "inspection", "audit", "judicial", "complaint", "statistics")
    ]


@pytest.mark.parametrize(
    ("division", "names"),
    [
        ("320106", ["江苏省", "南京市"]),
        ("320199", ["江苏省", "南京市"]),
        ("512099", ["四川省", "资阳市"]),
        ("519999", ["四川省"]),
        ("990101", []),
    ],
)
def test_a_division_code_is_known_as_far_as_it_goes(division: str, names: list[str]):
    assert [region.zh for region in TABLES.region(division)] == names


def test_region_prefixes_are_provinces_and_every_city_lies_in_one():
    assert len(TABLES.region_prefixes) == 35
    assert all(re.fullmatch(r"\d{2}|\d{4}", region.code) for region in TABLES.regions)
    assert all(region.code[:2] in TABLES.region_prefixes for region in TABLES.regions)


def test_no_two_regions_have_one_english_name():
    names = Counter(region.en for region in TABLES.regions if len(region.code) == 4)
    assert [name for name, times in names.items() if times > 1] == []


def test_the_timeline_has_six_lanes_and_attachments_stand_in_none():
    assert [lane.zh for lane in TABLES.lanes] == ["参保", "变更/转移", "缴费", "就医备案", "结算报销", "稽核"]
    for item in TABLES.document_types:
        if item.attachment or item.structure:
            assert TABLES.lane_of(item.code) is None
    lane = TABLES.lane_of("REFERRAL")
    assert lane is not None
    assert lane.zh == "就医备案"


def test_an_unknown_code_is_named_with_its_kind():
    with pytest.raises(InvalidInput) as refused:
        TABLES.document_types.of("NOPE")
    assert (refused.value.code, refused.value.parameters) == ("unknown-code", {"document_types": "NOPE"})


# ---------------------------------------------------------------- faults


def test_all_faults_of_a_table_are_told_at_once():
    mapping = mapping_of(Kind.FIELDS) | {"colour": "red", "kind": "roles"}
    entry_of(mapping, "certno")["format"] = "citizens"
    entry_of(mapping, "phone")["shade"] = "blue"
    del entry_of(mapping, "sex")["zh"]
    entry_of(mapping, "dept")["labels"] = "科室"
    mapping["entries"].append(dict(entry_of(mapping, "ethnic")))
    with pytest.raises(InvalidInput) as refused:
        parse(Kind.FIELDS, mapping)
    assert refused.value.parameters == {
        "fields.colour": "unknown-key",
        "fields.kind": "wrong-kind",
        "fields[certno].format": "unknown-word",
        "fields[phone].shade": "unknown-key",
        "fields[sex].zh": "missing",
        "fields[dept].labels": "tuple-type",
        "fields[ethnic]": "duplicate-code",
    }


def test_a_number_where_a_text_is_asked_for_is_not_bent_into_one():
    mapping = mapping_of(Kind.RETENTION_RULES)
    entry_of(mapping, "D10")["years"] = "10"
    with pytest.raises(InvalidInput) as refused:
        parse(Kind.RETENTION_RULES, mapping)
    assert refused.value.parameters == {"retention_rules[D10].years": "int-type"}


def test_a_text_that_is_no_toml_is_refused_with_the_place():
    with pytest.raises(InvalidInput) as refused:
        read_toml("kind = [\n}")
    assert refused.value.code == "reference-syntax"
    assert "line 2" in str(refused.value.parameters["text"])


def test_an_unknown_kind_and_an_empty_table_are_refused():
    with pytest.raises(InvalidInput):
        parse("colours", {})
    with pytest.raises(InvalidInput) as refused:
        parse(Kind.PURPOSES, mapping_of(Kind.PURPOSES) | {"entries": []})
    assert refused.value.parameters == {"purposes.entries": "missing"}


def test_faults_of_several_texts_are_told_together():
    texts = dict(bundled())
    texts[Kind.ROLES] = texts[Kind.ROLES].replace('"record:read"', '"record:eat"', 1)
    texts[Kind.LANES] = "kind = "
    texts[Kind.LEVELS] = texts[Kind.LEVELS].replace("rank = 0", 'rank = "zero"')
    with pytest.raises(InvalidInput) as refused:
        ReferenceTables.from_texts(texts)
    assert set(refused.value.parameters) == {"roles[archivist].actions[0]", "levels[public].rank", "lanes: text"}


def test_a_missing_table_is_named():
    with pytest.raises(InvalidInput) as refused:
        ReferenceTables.of(parse(kind, mapping_of(kind)) for kind in Kind if kind is not Kind.LANES)
    assert refused.value.parameters == {"lanes": "missing-table"}


def test_an_entry_without_a_basis_has_that_of_its_table():
    assert TABLES.classes.of("GL02").basis == TABLES.classes.basis
    assert "令第79号" in TABLES.classes.of("YB05").basis


def test_loose_ends_of_classes_are_found():
    mapping = mapping_of(Kind.CLASSES)
    entry_of(mapping, "GL01")["rule"] = "D77"
    entry_of(mapping, "GL02")["parent"] = "XX"
    entry_of(mapping, "ZJ")["parent"] = "ZJ01"
    del entry_of(mapping, "KU01")["form"]
    faults = faults_with(Kind.CLASSES, mapping)
    assert faults["classes[GL01].rule"] == "unknown-rule"
    assert faults["classes[GL02].parent"] == "unknown-class"
    assert faults["classes[ZJ01].parent"] == "ring"
    assert faults["classes[KU01].form"] == "only-and-always-for-accounting"


def test_loose_ends_of_types_are_found():
    mapping = mapping_of(Kind.DOCUMENT_TYPES)
    entry_of(mapping, "SETTLE")["fields"] += [{"key": "shoe_size"}, {"key": "certno"}]
    entry_of(mapping, "REIMB")["classes"] = [{"code": "YB"}, {"code": "YB99"}, {"code": "YB03", "titles": ["单"]}]
    entry_of(mapping, "REFERRAL")["level"] = "secret"
    entry_of(mapping, "OFFSITE")["titles"] = []
    entry_of(mapping, "AGREE_HOSP")["rule"] = "D77"
    del entry_of(mapping, "CHRONIC")["classes"]
    assert faults_with(Kind.DOCUMENT_TYPES, mapping) == {
        "document_types[SETTLE].fields[shoe_size]": "unknown-field",
        "document_types[SETTLE].fields[certno]": "duplicate",
        "document_types[REIMB].classes[YB]": "class-takes-no-records",
        "document_types[REIMB].classes[YB99]": "unknown-class",
        "document_types[REIMB].classes": "same-condition-twice",
        "document_types[REFERRAL].level": "unknown-level",
        "document_types[OFFSITE].titles": "missing",
        "document_types[AGREE_HOSP].rule": "unknown-rule",
        "document_types[CHRONIC].classes": "missing",
    }


def test_a_role_table_that_lets_an_administrator_read_or_work_is_refused():
    mapping = mapping_of(Kind.ROLES)
    entry_of(mapping, "system-administrator")["actions"].append("record:read")
    entry_of(mapping, "audit-administrator")["excludes"].remove("clerk")
    entry_of(mapping, "head")["excludes"] += ["nobody"]
    assert faults_with(Kind.ROLES, mapping) == {
        "roles[system-administrator].actions": "administrator-reads-records",
        "roles[audit-administrator].excludes[clerk]": "missing",
        "roles[clerk].excludes[audit-administrator]": "one-sided",
        "roles[head].excludes[nobody]": "unknown-role",
    }


def test_levels_must_be_those_of_the_archive():
    mapping = mapping_of(Kind.LEVELS)
    entry_of(mapping, "public")["rank"] = 3
    entry_of(mapping, "internal")["code"] = "secret"
    faults = faults_with(Kind.LEVELS, mapping)
    assert faults["levels[public]"] == "missing-or-other-rank"
    assert faults["levels[internal]"] == "missing-or-other-rank"
    assert faults["levels[secret]"] == "not-a-level"


def test_loose_ends_of_case_rules_lanes_and_number_patterns_are_found():
    cases = mapping_of(Kind.COMPLETENESS)
    entry_of(cases, "C01")["requires"] += [{"types": ["NOPE"]}, {"types": []}]
    entry_of(cases, "C02")["classes"] = ["GL99"]
    assert faults_with(Kind.COMPLETENESS, cases) == {
        "completeness[C01].requires[NOPE]": "unknown-type",
        "completeness[C01].requires": "asks-for-nothing",
        "completeness[C02].classes[GL99]": "unknown-class",
    }
    lanes = mapping_of(Kind.LANES)
    entry_of(lanes, "filing")["types"] += ["NOPE", "CHANGE"]
    assert faults_with(Kind.LANES, lanes) == {
        "lanes[filing].types[NOPE]": "unknown-type",
        "lanes[filing].types[CHANGE]": "in-two-lanes",
    }
    patterns = mapping_of(Kind.NUMBER_PATTERNS)
    entry_of(patterns, "da22")["regex"] = "("
    entry_of(patterns, "cat94")["examples"] = ["C038"]
    entry_of(patterns, "item")["regex"] = ".*"
    assert faults_with(Kind.NUMBER_PATTERNS, patterns) == {
        "number_patterns[da22].regex": "not-a-regex",
        "number_patterns[cat94].examples[C038]": "does-not-match",
        "number_patterns[item]": "template-or-regex",
    }
