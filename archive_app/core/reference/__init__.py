"""The archive's reference tables (类目, 保管期限, 文件类型 …): versioned data with legal basis.

Pure: the tables come as text and leave as frozen, cross-checked objects; where versions are kept is not decided here.
"""

from archive_app.core.reference.entries import (
    ArchiveClass,
    CaseRule,
    Certainty,
    ClassChoice,
    Condition,
    DocumentType,
    Entry,
    FieldDefinition,
    Format,
    Kind,
    LevelLabel,
    Masking,
    NumberPattern,
    Outcome,
    Purpose,
    Region,
    Requirement,
    RetentionRule,
    Role,
    Table,
    TimelineLane,
    Trigger,
    TypeField,
)
from archive_app.core.reference.parsing import bundled, parse, read_toml
from archive_app.core.reference.tables import ReferenceTables

__all__ = [
    "ArchiveClass",
    "CaseRule",
    "Certainty",
    "ClassChoice",
    "Condition",
    "DocumentType",
    "Entry",
    "FieldDefinition",
    "Format",
    "Kind",
    "LevelLabel",
    "Masking",
    "NumberPattern",
    "Outcome",
    "Purpose",
    "ReferenceTables",
    "Region",
    "Requirement",
    "RetentionRule",
    "Role",
    "Table",
    "TimelineLane",
    "Trigger",
    "TypeField",
    "bundled",
    "parse",
    "read_toml",
]
