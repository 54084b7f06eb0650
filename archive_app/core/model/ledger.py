"""Ledger: audit leaves with their Merkle tree, queued jobs, rule tables, number series and the OCR cache."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.core.model.base import Base
from archive_app.core.vocabulary import JobState, Lane, UserId


class AuditLeaf(Base):
    """One audit leaf (decision 16): its canonical JSON, never changed; the columns beside it only serve to find it."""

    __tablename__ = "audit_leaf"
    __table_args__ = (sa.UniqueConstraint("subject_kind", "subject_id", "subject_number"),)
    sequence: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)  # from 0
    leaf: Mapped[str]  # canonical JSON, the text that is hashed
    hash: Mapped[str] = mapped_column(sa.String(64))  # RFC 9162 leaf hash
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(sa.String(80), index=True)
    action: Mapped[str] = mapped_column(sa.String(80), index=True)
    subject_kind: Mapped[str] = mapped_column(sa.String(32))
    subject_id: Mapped[str] = mapped_column(sa.String(64))
    subject_number: Mapped[int]


class AuditValue(Base):
    """An erasable value that a leaf commits to: its salt and itself."""

    __tablename__ = "audit_value"
    sequence: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    salt: Mapped[str] = mapped_column(sa.String(64))
    value: Mapped[str | None]  # canonical JSON; None once erased


class AuditNode(Base):
    """The hash of one complete subtree of 2^height leaves."""

    __tablename__ = "audit_node"
    height: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(sa.String(64))


class AuditHead(Base):
    """The one row that is locked while leaves are appended, so that order in the log is order of commit."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(sa.BigInteger)


class QueuedJob(Base):
    """作业: a piece of work committed with its cause; the leased row decides (decision 23)."""

    __tablename__ = "job"
    # PostgreSQL has `ix_job_open` beside them, in the order of claims, and `ix_job_chore` (see `archive_app.database`).
    __table_args__ = (
        sa.Index("ix_job_claim", "state", "lane", "run_after"),
        sa.Index("ix_job_published", "state", "lane", "published_at"),
        sa.Index("ix_job_ended", "ended_at"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(sa.String(40))
    args: Mapped[dict[str, Any]]
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    lane: Mapped[Lane]
    priority: Mapped[int] = mapped_column(default=0)
    viewer_id: Mapped[UserId | None]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    attempt: Mapped[int] = mapped_column(default=0)  # counted at the claim; from 0 again when queued anew
    claims: Mapped[int] = mapped_column(default=0)  # only rises: tells a lease from every one before it
    run_after: Mapped[dt.datetime]
    lease_until: Mapped[dt.datetime | None]
    worker: Mapped[str | None] = mapped_column(sa.String(80))
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    published_at: Mapped[dt.datetime | None]  # a message is on its way; none once it is claimed or queued anew
    created_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    seconds: Mapped[float | None]  # of work, of the attempt that was the last; index jobs share those of their batch


class LaneLease(Base):
    """Who holds what one process does at a time: the index lane, or the part of the relay."""

    __tablename__ = "lane_lease"
    lane: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    worker: Mapped[str | None] = mapped_column(sa.String(80))
    lease_until: Mapped[dt.datetime | None]


class LiveWorker(Base):
    """A worker process that says it lives."""

    __tablename__ = "live_worker"
    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    seen_at: Mapped[dt.datetime]


class RuleTable(Base):
    """A version of one rule table (classes, types, retention, roles …) as it was loaded, with its legal basis."""

    __tablename__ = "rule_table"
    __table_args__ = (sa.UniqueConstraint("kind", "version"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(sa.String(40))
    version: Mapped[str] = mapped_column(sa.String(40))
    valid_from: Mapped[dt.date]
    basis: Mapped[str] = mapped_column(sa.String(500))
    digest: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[str]  # the data file's text
    loaded_at: Mapped[dt.datetime]
    position: Mapped[int]  # order of loading; the highest of a kind is in force


class NumberSeries(Base):
    """Where an archival number series stands. Locked while a number is taken: without gaps, without re-use."""

    __tablename__ = "number_series"
    key: Mapped[str] = mapped_column(sa.String(160), primary_key=True)
    last: Mapped[int]


class VoidNumber(Base):
    """An archival number that was withdrawn: never used again, on record with its reason."""

    __tablename__ = "void_number"
    code: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    reason: Mapped[str] = mapped_column(sa.String(300))
    voided_at: Mapped[dt.datetime]


class OcrResult(Base):
    """What an engine read on a picture, by digests of both and the parameters. Forgotten after a week."""

    __tablename__ = "ocr_result"
    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    picture: Mapped[str] = mapped_column(sa.String(64), index=True)
    result: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime]


class BackupRun(Base):
    """One run of backup, verification, restore or moving: when, of which snapshot, and how it ended."""

    __tablename__ = "backup_run"
    __table_args__ = (sa.Index("ix_backup_run_kind", "kind", "began_at"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[str] = mapped_column(sa.String(16))  # backup | verify | restore
    place: Mapped[str] = mapped_column(sa.String(500))  # its address, without a password
    snapshot: Mapped[str | None] = mapped_column(sa.String(40))
    began_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(16))  # done | found | failed; None while it runs
    fault: Mapped[str | None] = mapped_column(sa.String(500))
    rows: Mapped[int | None] = mapped_column(sa.BigInteger)
    objects: Mapped[int | None] = mapped_column(sa.BigInteger)
    bytes: Mapped[int | None] = mapped_column(sa.BigInteger)  # of all objects of the snapshot
    copied_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)  # that were new


class InstallationFact(Base):
    """What the installation last found out about itself, such as whether its store is write-once."""

    __tablename__ = "installation_fact"
    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    value: Mapped[dict[str, Any]]
    noted_at: Mapped[dt.datetime]
