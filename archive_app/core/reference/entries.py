"""What one line of each reference table says, as frozen types; no table knows another here.

A table (`Table`) carries its kind, version, day of validity and legal basis, so that a record can name for ever which
table decided about it.
"""

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Generic, TypeVar

from pydantic import ConfigDict

from archive_app.core.errors import InvalidInput
from archive_app.core.vocabulary import Action, PartyRole, ProviderKind

#: Read by pydantic: a word that the type does not know is a fault, and nothing is bent into another type.
STRICT = ConfigDict(extra="forbid", strict=True)


class Kind(enum.StrEnum):
    """Which reference table. Also the file's name under `archive_app/reference_data`."""

    CLASSES = "classes"  # 类目
    RETENTION_RULES = "retention_rules"  # 保管期限
    DOCUMENT_TYPES = "document_types"  # 文件类型
    FIELDS = "fields"  # 著录项
    LEVELS = "levels"  # 密级
    ROLES = "roles"  # 角色
    PURPOSES = "purposes"  # 利用目的
    REGIONS = "regions"  # 行政区划 GB/T 2260
    NUMBER_PATTERNS = "number_patterns"  # 档号规则
    COMPLETENESS = "completeness"  # 齐全规则
    LANES = "lanes"  # 人员时间线泳道


class Certainty(enum.StrEnum):
    """How sure the legal basis is; an agency corrects what is uncertain by loading its own version."""

    SEEN = "S"  # in a published text
    KNOWN = "K"  # well known in the field
    UNCERTAIN = "U"


class Trigger(enum.StrEnum):
    """The event after which a retention period runs."""

    FORMED = "formed"  # 形成
    AGREEMENT_ENDED = "agreement-ended"  # 协议终止
    FISCAL_YEAR_ENDED = "fiscal-year-ended"  # 会计年度终了
    CASE_CLOSED = "case-closed"  # 事项办结


class Outcome(enum.StrEnum):
    """What the rule foresees at the end of the period; nothing happens without appraisal."""

    APPRAISE_DESTROY = "appraise-destroy"  # 鉴定后销毁
    KEEP = "keep"  # 永久保存
    TRANSFER = "transfer"  # 移交档案馆


class Condition(enum.StrEnum):
    """A fact about one record that decides between the classes of its type."""

    INPATIENT = "inpatient"  # 住院
    OUTPATIENT = "outpatient"  # 门诊
    PERSON = "person"  # 个人
    EMPLOYER = "employer"  # 单位
    DECLARATION = "declaration"  # 申报核定
    ARREARS = "arrears"  # 补缴, 欠费, 退费
    DETAIL = "detail"  # 明细与汇总
    VOUCHER = "voucher"  # 凭证: an original on which money was paid
    ANNUAL = "annual"  # 年度
    PERIODIC = "periodic"  # 月, 季
    ANALYSIS = "analysis"  # 数据与分析报告
    BUDGET = "budget"  # 预决算
    MAJOR = "major"  # 大案, 要案
    SUPERVISION = "supervision"  # 监察
    INTERNAL_CONTROL = "internal-control"  # 内部控制


class Format(enum.StrEnum):
    """How a field's value is written and checked."""

    NAME = "name"
    ORGANISATION = "organisation"
    SEX = "sex"
    CITIZEN_NUMBER = "citizen-number"
    DATE = "date"
    MONTH = "month"
    YEAR = "year"
    MONEY = "money"
    PHONE = "phone"
    BANK_CARD = "bank-card"
    USCC = "uscc"
    PROVIDER_CODE = "provider-code"
    ICD = "icd"
    SPECIAL_DISEASE = "special-disease"
    REGION = "region"
    TEXT = "text"
    INTEGER = "integer"
    PERCENT = "percent"
    CODE = "code"
    MARK = "mark"  # a seal or signature that is there or not


class Masking(enum.StrEnum):
    """How a value looks without the right to unmask. The first four are kinds of `archive_app.core.masking.mask`."""

    NAME = "name"
    CITIZEN_NUMBER = "citizen-number"
    PHONE = "phone"
    BANK_CARD = "bank-card"
    ADDRESS = "address"
    DIAGNOSIS = "diagnosis"
    WHOLE = "whole"  # personal, and of no form that may be shown in part
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every line of every table has."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    code: str
    zh: str
    en: str
    basis: str  # legal basis, Chinese
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule(Entry):
    """保管期限: how long after which event, and what then. `years` None is 永久."""

    years: int | None = None
    trigger: Trigger
    outcome: Outcome

    @property
    def period(self) -> str:
        """The period code in archival numbers: `Y`, or `D` and years."""
        return "Y" if self.years is None else f"D{self.years}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveClass(Entry):
    """类目: a node of the class scheme. Only nodes with a `rule` take records.

    `category` is the 门类 code of DA/T 13-2022 in archival numbers; `form` the 会计 form (01 凭证, 02 账簿, 03 报告,
    04 其他) that stands in the place of the class where the category is KU.
    """

    parent: str | None = None
    rule: str | None = None
    category: str = "ZY"
    form: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassChoice:
    """A class that a type may fall into.

    `titles` are parts of titles that decide before any fact does; `when` names the fact that decides; with neither
    the class is the type's default.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    code: str
    when: Condition | None = None
    titles: tuple[str, ...] = ()

    @property
    def is_default(self) -> bool:
        """Whether the class is taken where nothing decides."""
        return self.when is None and not self.titles


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeField:
    """A field that is taken from documents of a type."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    key: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType(Entry):
    """文件类型: what a paper is, what its titles look like, where it is filed and what is taken from it.

    `titles` are whole titles or their distinctive part; `negative_titles` near misses that belong elsewhere;
    `key_labels` printed labels that support the type. An `attachment` follows the class of its case; `structure`
    (covers, file lists, separator sheets) is not content. A `roster` names one person a row. `provider` says which
    kind of institution the provider fields speak of. `rule` stands before the rule of the class, where it is given.
    """

    titles: tuple[str, ...]
    negative_titles: tuple[str, ...] = ()
    key_labels: tuple[str, ...] = ()
    classes: tuple[ClassChoice, ...] = ()
    attachment: bool = False
    structure: bool = False
    roster: bool = False
    provider: ProviderKind | None = None
    level: str
    rule: str | None = None
    fields: tuple[TypeField, ...] = ()

    @property
    def required_fields(self) -> frozenset[str]:
        """Keys of the fields without which the description is not complete."""
        return frozenset(item.key for item in self.fields if item.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDefinition(Entry):
    """著录项: a field key, the labels it stands behind, and how its value is written, checked and masked.

    `role` is the party role that a value of this field gives a name or number to.
    """

    labels: tuple[str, ...]
    format: Format
    masking: Masking = Masking.NONE
    role: PartyRole | None = None

    @property
    def personal(self) -> bool:
        """Whether the value is personal data and is masked for viewers without `value:unmask`."""
        return self.masking is not Masking.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLabel(Entry):
    """密级: the words for a level of `vocabulary.Level`; sensitivity of personal data, not a state secret."""

    rank: int
    covers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(Entry):
    """角色: what its holders may do. `excludes` names the roles that the same natural person may not hold."""

    actions: tuple[Action, ...]
    excludes: tuple[str, ...] = ()
    administrator: bool = False  # 三员: reads no record by virtue of office


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose(Entry):
    """利用目的: why somebody looks; recorded with each look-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Entry):
    """行政区划 (GB/T 2260): `code` holds the leading two (province) or four (city) digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPattern(Entry):
    """档号规则: a template to build numbers by, or a regular expression to recognise them by, with true examples."""

    template: str | None = None
    regex: str | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A piece that a case file must hold: at least `count` documents of any of the types.

    `original` asks for an original; `when` says in which circumstance it is asked for, `piece` which paper is meant
    where the type is wider.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT
    types: tuple[str, ...]
    count: int = 1
    original: bool = False
    piece: str | None = None
    when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRule(Entry):
    """齐全规则: what a case file of this sort must hold. A waiver needs a reason and is recorded."""

    classes: tuple[str, ...]
    requires: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineLane(Entry):
    """泳道: a lane of a person's timeline and the types of document that stand in it."""

    types: tuple[str, ...]


E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class Table(Generic[E]):
    """One version of one reference table, in the order of its file."""

    kind: Kind
    version: str
    valid_from: dt.date
    basis: str
    source: str
    entries: tuple[E, ...] = field(repr=False)

    @cached_property
    def by_code(self) -> Mapping[str, E]:
        """Entries by code."""
        return {entry.code: entry for entry in self.entries}

    def of(self, code: str) -> E:
        """The entry with this code. Raises `InvalidInput("unknown-code")` naming kind and code."""
        entry = self.by_code.get(code)
        if entry is None:
            raise InvalidInput("unknown-code", **{str(self.kind): code})
        return entry

    def __contains__(self, code: object) -> bool:
        return code in self.by_code

    def __iter__(self) -> Iterator[E]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)
