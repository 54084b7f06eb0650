"""Questions to one index or alias of Elasticsearch."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from archive_app.core.ports import HitPage, Query
from archive_app.core.vocabulary import RecordId, Viewer
from search import elastic_query
from search.elastic_mapping import FORMAT
from search.elastic_server import SEARCH_S, Server

ENGINE = "elasticsearch"
_LISTED = 5_000  # records of one part of a listing
_RECORDS = {"bool": {"filter": [{"exists": {"field": "fonds"}}]}}  # not the notes about removed ones


def search(server: Server, alias: str, query: Query, *, viewer: Viewer) -> HitPage:
    """See `SearchIndex.search`. Every shard answers, or it is a failure: half a result looks like a whole one."""
    body = elastic_query.request(query, viewer=viewer)
    answer = server.ask(
        lambda client: client.options(request_timeout=SEARCH_S).search(
            index=alias, preference=elastic_query.preference(query), allow_partial_search_results=False, **body
        )
    )
    return elastic_query.page(answer.body, query)


def listed(server: Server, alias: str, after: list[Any] | None) -> list[Mapping[str, Any]]:
    """The next part of a listing in order of record, after the place of the last one."""
    answer = server.ask(
        lambda client: client.search(
            index=alias, query=_RECORDS, sort=[{"record": "asc"}], size=_LISTED, version=True,
            stored_fields="_none_", track_total_hits=False, allow_partial_search_results=False, search_after=after,
        )
    )  # fmt: skip
    hits: list[Mapping[str, Any]] = answer["hits"]["hits"]
    return hits


def versions(
    next_part: Callable[[list[Any] | None], list[Mapping[str, Any]]],
) -> Iterator[tuple[RecordId, int]]:
    """Every record with its version, a part at a time."""
    after: list[Any] | None = None
    while hits := next_part(after):
        for hit in hits:
            yield RecordId(UUID(hex=hit["sort"][0])), int(hit["_version"])
        after = hits[-1]["sort"]


def status(server: Server, alias: str) -> dict[str, object]:
    """Engine, version of the server, number of documents, bytes."""
    count = server.ask(lambda client: client.count(index=alias, query=_RECORDS))
    stats = server.ask(lambda client: client.indices.stats(index=alias, metric=["store", "segments"]))
    nodes = server.ask(lambda client: client.nodes.info(filter_path=["nodes.*.version"]))
    of_all = stats["_all"]["primaries"]
    return {
        "engine": ENGINE,
        "version": ", ".join(sorted({node["version"] for node in nodes["nodes"].values()})),
        "format": FORMAT,
        "documents": int(count["count"]),
        "segments": int(of_all["segments"]["count"]),
        "bytes": int(of_all["store"]["size_in_bytes"]),
    }
