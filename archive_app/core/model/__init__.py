"""All tables. `OPEN_TABLES` lists those without an audience of their own, and why."""

from archive_app.core.model.accounts import FondsScope, PasswordHistory, RoleGrant, Token, User
from archive_app.core.model.arrivals import Batch, IntakeFile
from archive_app.core.model.base import Base, Guarded
from archive_app.core.model.holdings import Box, CaseFile, Component, Field, Fonds, Page, Record, RecordVersion
from archive_app.core.model.ledger import (
    AuditHead,
    AuditLeaf,
    AuditNode,
    AuditValue,
    BackupRun,
    InstallationFact,
    LaneLease,
    LiveWorker,
    NumberSeries,
    OcrResult,
    QueuedJob,
    RuleTable,
    VoidNumber,
)
from archive_app.core.model.parties import Employer, Identifier, PartyLink, Person, Provider

#: Tables without a viewer's rule, with the reason. A test holds that every table is here or `Guarded`.
OPEN_TABLES: dict[type[Base], str] = {
    User: "accounts: read by sign-in before there is a viewer; lists need USER_ADD, USER_GRANT or AUDIT_READ",
    RoleGrant: "makes the viewer",
    FondsScope: "makes the viewer",
    Token: "makes the viewer",
    PasswordHistory: "makes the viewer",
    AuditLeaf: "holds no personal values; read with AUDIT_READ",
    AuditValue: "read with AUDIT_READ only",
    AuditNode: "hashes",
    AuditHead: "a number",
    QueuedJob: "ids only; read with JOB_READ",
    LaneLease: "no content",
    LiveWorker: "no content",
    RuleTable: "published rules",
    NumberSeries: "no content",
    VoidNumber: "read by the register of numbers only",
    BackupRun: "no content; read with STATUS_READ",
    InstallationFact: "of parts, not of records; shown with STATUS_READ",
    OcrResult: "read by the reading job only",
}

__all__ = [
    "OPEN_TABLES",
    "AuditHead",
    "AuditLeaf",
    "AuditNode",
    "AuditValue",
    "BackupRun",
    "Base",
    "Batch",
    "Box",
    "CaseFile",
    "Component",
    "Employer",
    "Field",
    "Fonds",
    "FondsScope",
    "Guarded",
    "Identifier",
    "InstallationFact",
    "IntakeFile",
    "LaneLease",
    "LiveWorker",
    "NumberSeries",
    "OcrResult",
    "Page",
    "PartyLink",
    "PasswordHistory",
    "Person",
    "Provider",
    "QueuedJob",
    "Record",
    "RecordVersion",
    "RoleGrant",
    "RuleTable",
    "Token",
    "User",
    "VoidNumber",
]
