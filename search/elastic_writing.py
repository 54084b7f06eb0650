"""Acts on records as lines of a bulk request, and what may be refused of them."""

from collections.abc import Iterable, Sequence

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import IndexDocument
from search.elastic_mapping import written
from search.elastic_server import Refusal, Write


def insertion(alias: str, document: IndexDocument) -> Write:
    """Put a document; one of an older version than is there is refused by the server (external versions)."""
    meta = (("version", document.version), ("version_type", "external_gte"))
    return Write(alias, document.record.hex, written(document), meta)


def deletion(alias: str, record: str) -> Write:
    """Remove a record."""
    return Write(alias, record)


def refused_for_good(refusals: Iterable[Refusal]) -> Sequence[Refusal]:
    """Those whose index is gone. A newer version, and nothing to delete, are no faults.

    Raises `InvalidInput` for a document that the server does not understand: trying again would not help.
    """
    rest = [one for one in refusals if not one.is_conflict and not one.was_absent]
    for one in rest:
        if not one.index_is_gone:
            raise InvalidInput("index-refuses-document", status=one.status, kind=one.kind)
    return rest
