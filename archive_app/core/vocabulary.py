"""The words of the archive: ids, enumerations, states and their legal moves, and the viewer.

One English word per thing, used in code, URLs, tables, audit and command line; the Chinese term stands beside it once.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType
from uuid import UUID

FondsId = NewType("FondsId", UUID)
RecordId = NewType("RecordId", UUID)
UserId = NewType("UserId", UUID)
PersonId = NewType("PersonId", UUID)

#: x, y, width, height in pixels of the page (after EXIF or /Rotate; PDF at 300 dpi), before `rotation`.
Box = tuple[int, int, int, int]


class Level(enum.IntEnum):
    """密级 in the sense of personal-data sensitivity (not the state-secret grade), lowest first."""

    PUBLIC = 0  # 公开
    INTERNAL = 1  # 内部
    SENSITIVE = 2  # 敏感
    HIGHLY_SENSITIVE = 3  # 高度敏感

    @property
    def code(self) -> str:
        """The word used in commands and answers, such as `highly-sensitive`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, code: str) -> "Level":
        """The level with this code. Raises `KeyError` for any other word."""
        return cls[code.upper().replace("-", "_")]


class RecordState(enum.StrEnum):
    """Where a record (件) stands."""

    CAPTURED = "captured"  # 已收 : pages known, not all read
    READ = "read"  # 已识读: every page read or failed, not yet described
    REVIEW = "review"  # 待审核: a person must look
    DESCRIBED = "described"  # 已著录: clear, or confirmed by a person
    FILED = "filed"  # 已归档
    WITHDRAWN = "withdrawn"  # 已撤回: merged away or sent back to be scanned again, before filing
    DESTROYED = "destroyed"  # 已销毁: the tombstone


class IntakeOutcome(enum.StrEnum):
    """What became of a file that arrived."""

    RECEIVED = "received"  # 已收到: waiting to be examined
    ACCEPTED = "accepted"  # 入库
    DUPLICATE = "duplicate"  # 重复
    REFUSED = "refused"  # 退回


class BatchState(enum.StrEnum):
    """Where a batch (批次) stands."""

    OPEN = "open"  # 进行中
    SIGNED_OFF = "signed-off"  # 已结清


class PageState(enum.StrEnum):
    """Whether a page (页) has been read."""

    WAITING = "waiting"
    READ = "read"
    FAILED = "failed"  # OCR could not read it: never an empty text


class FieldState(enum.StrEnum):
    """How sure a described value is."""

    READ = "read"  # 识读
    REPAIRED = "repaired"  # 修正: changed by a rule with agreement elsewhere
    DOUBTFUL = "doubtful"  # 存疑
    CONFIRMED = "confirmed"  # 已确认 by a person


class ComponentKind(enum.StrEnum):
    """What a stored bit-stream (组件) is to its record."""

    MASTER = "master"  # 原件: what is evidence
    VIEW = "view"  # 浏览件: small picture of one page
    RENDITION = "rendition"  # 转换件: viewing copy of a document that has no pages of its own
    PROPOSED = "proposed"  # 待审件: pages that a correction asks for, until it is decided


class PartyKind(enum.StrEnum):
    """What sort of party (当事方) a record speaks of."""

    PERSON = "person"  # 参保人/当事人
    EMPLOYER = "employer"  # 参保单位
    PROVIDER = "provider"  # 定点医药机构


class ProviderKind(enum.StrEnum):
    """Which designated provider."""

    HOSPITAL = "hospital"  # 定点医疗机构
    PHARMACY = "pharmacy"  # 定点零售药店


class PartyRole(enum.StrEnum):
    """In which role a party stands on a record."""

    SUBJECT = "subject"  # 本人
    ROSTER = "roster"  # 名册人员
    AGENT = "agent"  # 代办人
    EMPLOYER = "employer"  # 单位
    HOSPITAL = "hospital"  # 医疗机构
    TRANSFER_HOSPITAL = "transfer-hospital"  # 转入医院
    PHARMACY = "pharmacy"  # 药店
    LEGAL_REPRESENTATIVE = "legal-representative"  # 法定代表人


class IdentifierKind(enum.StrEnum):
    """What sort of number a person is known by."""

    CITIZEN = "citizen-number"  # 公民身份号码 GB 11643
    PASSPORT = "passport"
    PERMIT = "permit"  # 港澳台 or foreigner's permit
    PERSONAL_NUMBER = "personal-number"  # 个人编号
    USCC = "uscc"  # 统一社会信用代码 GB 32100
    PROVIDER_CODE = "provider-code"  # 定点医药机构代码


class JobState(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    LEASED = "leased"
    DONE = "done"
    BURIED = "buried"  # given up, with its reason, until a person retries


class Lane(enum.StrEnum):
    """Queues by cost."""

    LIGHT = "light"
    OCR = "ocr"
    INDEX = "index"  # one batched writer at a time


class Action(enum.StrEnum):
    """What one may be allowed to do. `<thing>:<verb>`."""

    RECORD_READ = "record:read"
    VALUE_UNMASK = "value:unmask"  # see personal values in clear
    RECORD_REVIEW = "record:review"  # correct, confirm, split, merge, move
    RECORD_FILE = "record:file"
    RECORD_CORRECT = "record:correct"  # propose a correction after filing
    CORRECTION_APPROVE = "correction:approve"
    INTAKE_READ = "intake:read"
    INTAKE_WRITE = "intake:write"
    BATCH_SIGN = "batch:sign"
    PERSON_READ = "person:read"
    HOLD_PLACE = "hold:place"
    DISPOSAL_DRAFT = "disposal:draft"
    DISPOSAL_REVIEW = "disposal:review"
    DISPOSAL_APPROVE = "disposal:approve"
    EVIDENCE_REQUEST = "evidence:request"
    EVIDENCE_APPROVE = "evidence:approve"
    JOB_READ = "job:read"
    JOB_RETRY = "job:retry"
    USER_ADD = "user:add"
    FONDS_ADD = "fonds:add"
    USER_GRANT = "user:grant"
    AUDIT_READ = "audit:read"
    STATUS_READ = "status:read"


#: The legal moves of a record. A move that is not here raises `IllegalTransition`.
MOVES: Mapping[RecordState, frozenset[RecordState]] = {
    RecordState.CAPTURED: frozenset({RecordState.READ, RecordState.WITHDRAWN}),
    RecordState.READ: frozenset(
        {RecordState.REVIEW, RecordState.DESCRIBED, RecordState.CAPTURED, RecordState.WITHDRAWN}
    ),
    RecordState.REVIEW: frozenset(
        {RecordState.DESCRIBED, RecordState.CAPTURED, RecordState.READ, RecordState.WITHDRAWN}
    ),
    RecordState.DESCRIBED: frozenset(
        {RecordState.REVIEW, RecordState.FILED, RecordState.CAPTURED, RecordState.READ, RecordState.WITHDRAWN}
    ),
    RecordState.FILED: frozenset({RecordState.DESTROYED}),
    RecordState.WITHDRAWN: frozenset(),
    RecordState.DESTROYED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """On whose behalf a unit of work runs, and what that person may do and see.

    There is no anonymous viewer and no default: an empty `fonds` sees no record at all.
    """

    user_id: UserId
    login: str
    actions: frozenset[Action]
    fonds: frozenset[FondsId]
    clearance: Level
    roles: frozenset[str] = frozenset()
    purpose: str | None = None
    request_id: str | None = None
    #: Set only for the archive's own work (index, jobs), which is audited under that name.
    system: str | None = None
    fonds_codes: frozenset[str] = field(default=frozenset())

    def may(self, action: Action) -> bool:
        """Whether the action is granted; the record's own scope is asked separately."""
        return action in self.actions
