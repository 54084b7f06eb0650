"""Archives with very many records on PostgreSQL, for measurements and proofs.

Rows are invented and put in by the server itself, as the tables' owner: of each record the file it came in, a
component, a page, four fields, a party, a job that was done and an audit leaf, the tree of the log whole.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from factories import a_record, the_fonds

from archive_app.core.model import AuditHead
from archive_app.core.vocabulary import RecordId, RecordState, Viewer
from archive_app.wiring import Archive

#: Records from number {first} to {last}; 25 to a person, 100 to a batch.
_FILL = (
    """CREATE TEMP TABLE fresh AS
    SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS component, (n / 25) AS person, (n / 100) AS batch,
           date '1995-01-01' + (n * 7919::bigint %% 11000)::int AS formed
    FROM generate_series({first}, {last}) AS n""",
    """INSERT INTO person (id, name, created_at)
    SELECT md5('person' || p)::uuid, '样' || p, now()
    FROM (SELECT DISTINCT person AS p FROM fresh) AS people ON CONFLICT DO NOTHING""",
    """INSERT INTO identifier (id, person_id, kind, hash, value)
    SELECT gen_random_uuid(), md5('person' || p)::uuid, 'personal-number',
           encode(sha256(('number' || p)::bytea), 'hex'), 'S' || p
    FROM (SELECT DISTINCT person AS p FROM fresh) AS people ON CONFLICT DO NOTHING""",
    """INSERT INTO batch (id, fonds_id, number, operator_id, state, created_at)
    SELECT md5('batch' || b)::uuid, '{fonds}', 'G-' || b, '{user}', 'signed-off',
        now() - interval '60 days' - b * interval '100 seconds'
    FROM (SELECT DISTINCT batch AS b FROM fresh) AS batches ON CONFLICT DO NOTHING""",
    """INSERT INTO intake_file (id, batch_id, fonds_id, sequence, path, sha256, sm3, size, media_type, outcome, reason,
        reason_facts, pages, notes, bytes_kept, created_at)
    SELECT id, md5('batch' || batch)::uuid, '{fonds}', n %% 100, 'box/' || n || '.jpg',
        encode(sha256(id::text::bytea), 'hex'), encode(sha256(id::text::bytea), 'hex'), 100000, 'image/jpeg',
        CASE WHEN n %% 100 = 7 THEN 'refused' ELSE 'accepted' END, CASE WHEN n %% 100 = 7 THEN 'damaged' END, '{{}}', 1,
        '[]', false, now() - interval '60 days' FROM fresh""",
    """INSERT INTO job (id, name, args, key, lane, priority, state, attempt, claims, run_after, created_at, ended_at,
        seconds)
    SELECT gen_random_uuid(), 'page.read', json_build_object('page', id), 'read:' || id, 'ocr', 0, 'done', 1, 1,
        now(), now(), now(), 1 FROM fresh""",
    """INSERT INTO record (id, fonds_id, level, code, title, state, version, batch_id, intake_file_id, class_code,
        boundaries_set, type_code, type_confidence, type_reasons, formed_on, review, retention_rule, retention_basis,
        retention_outcome, due_on, filed_at, created_at, corrections)
    SELECT id, '{fonds}', 2, '{code}-ZY·YB03·2020·D10-' || lpad(n::text, 8, '0'), '住院费用结算单', 'filed', 2,
        md5('batch' || batch)::uuid, id, 'YB03', true, 'SETTLE', 0.97, '[]', formed, '[]', 'D10', '依据',
        'destroy', formed + interval '30 years', now(), now() - interval '60 days' - n * interval '1 second', 0
    FROM fresh""",
    """INSERT INTO component (id, record_id, fonds_id, level, kind, sha256, sm3, size, media_type, notes, derived_from,
        created_at)
    SELECT component, id, '{fonds}', 2, 'master', encode(sha256(id::text::bytea), 'hex'),
        encode(sha256(id::text::bytea), 'hex'), 100000, 'image/jpeg', '[]', '{{}}', now() FROM fresh""",
    """INSERT INTO page (id, record_id, fonds_id, level, number, component_id, master_page, width, height, rotation,
        has_picture, state, text, lines, text_source, quality)
    SELECT gen_random_uuid(), id, '{fonds}', 2, 1, component, 1, 2480, 3508, 0, true, 'read',
        repeat('参保人员基本医疗保险住院费用结算单 ', 10) ||
            (SELECT string_agg(translate(md5(n || '-' || k), '0123456789abcdef', '王李张刘陈杨黄赵吴周徐孙马朱胡郭'),
                               chr(10)) FROM generate_series(1, 8) AS k), '[]', 'ocr', '[]' FROM fresh""",
    """INSERT INTO field (id, record_id, fonds_id, level, position, name, value, page, confidence, checks, state)
    SELECT gen_random_uuid(), id, '{fonds}', 2, k, 'field' || k, '值' || n || k, 1, 0.98, '[]', 'read'
    FROM fresh, generate_series(1, 4) AS k""",
    """INSERT INTO party_link (id, record_id, fonds_id, level, kind, role, person_id, name)
    SELECT gen_random_uuid(), id, '{fonds}', 2, 'person', 'subject', md5('person' || person)::uuid, '样' || person
    FROM fresh""",
    """INSERT INTO audit_leaf (sequence, leaf, hash, at, actor, action, subject_kind, subject_id, subject_number)
    SELECT {leaves} + row_number() OVER (ORDER BY n) - 1, '{{}}', encode(sha256(id::text::bytea), 'hex'), now(),
        'bench', 'record:filed', 'record', id, 0 FROM fresh""",
    """INSERT INTO audit_node (height, position, hash)
    SELECT 0, sequence, hash FROM audit_leaf WHERE sequence >= {leaves}""",
    "DROP TABLE fresh",
)
_GROW = """INSERT INTO audit_node (height, position, hash)
    SELECT {height}, l.position / 2,
        encode(sha256('\\x01'::bytea || decode(l.hash, 'hex') || decode(r.hash, 'hex')), 'hex')
    FROM audit_node AS l JOIN audit_node AS r ON r.height = l.height AND r.position = l.position + 1
    WHERE l.height = {height} - 1 AND l.position %% 2 = 0
    ON CONFLICT DO NOTHING"""


def fill(archive: Archive, viewer: Viewer, *, first: int, last: int, code: str = "J001") -> None:
    """Records from number `first` to `last` of the fonds, and the log grown by a leaf of each."""
    names = {"first": first, "last": last, "code": code, "fonds": the_fonds(archive, code), "user": viewer.user_id}
    with archive.owner_engine.begin() as connection:
        leaves = connection.exec_driver_sql("SELECT size FROM audit_head WHERE id = 1 FOR UPDATE").scalar_one()
        for statement in _FILL:
            connection.exec_driver_sql(statement.format(**names, leaves=leaves))
        size = leaves + last - first + 1
        for height in range(1, size.bit_length()):
            connection.exec_driver_sql(_GROW.format(height=height))
        connection.execute(sa.update(AuditHead).values(size=size))
    with archive.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def ready_to_file(archive: Archive, viewer: Viewer, count: int, *, code: str = "J001") -> Iterator[RecordId]:
    """Described records of the fonds that lack nothing."""
    with archive.unit(viewer) as unit:
        for _ in range(count):
            record = a_record(unit, fonds=the_fonds(archive, code), state=RecordState.DESCRIBED)
            record.type_code, record.class_code = "SETTLE", "YB03"
            record.formed_on = archive.clock.today()
            yield record.id
