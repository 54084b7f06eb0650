"""How fast Elasticsearch answers through the adapter, beside the bare server asked for the same hits.

    eval "$(deploy/services env)"
    python -m tests.bench.elastic_speed --records 100000 --json speed.json

Synthetic records; restricted and unrestricted viewer; p50 and p95 in milliseconds over `--rounds` rounds, both ways by
turns. The bare query is written by hand over the same index: the same filters, phrases, order, totals and facets, and
nothing else. The bar: adapter p95 ≤ 1.2 x bare p95 + 5 ms for each kind. Indexing is measured beside the client's own
bulk helper that is given the same documents, ready made, for an index of the same mapping.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import services
from elastic_indices import a_client, a_prefix, an_index
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from search_speed import Case, cases, documents, quantiles, timed

from archive_app.core.vocabulary import Level
from search import elastic_mapping
from search.elastic import ElasticIndex
from search.text import phrases

FIELD_OF = {"class": "class_code"}
FACTOR, SLACK_MS = 1.2, 5.0


def bare_body(case: Case) -> dict[str, Any]:
    """The search as one writes it by hand."""
    query = case.query
    within: list[dict[str, Any]] = [{"terms": {"fonds": sorted(case.viewer.fonds_codes)}}]
    if case.viewer.clearance < Level.HIGHLY_SENSITIVE:
        within.append({"range": {"level": {"lte": int(case.viewer.clearance)}}})
    within += [{"terms": {FIELD_OF.get(key, key): list(values)}} for key, values in query.filters.items()]
    words = [part for clause in query.clauses for part in bare_clause(clause.kind, clause.value)]
    body: dict[str, Any] = {"size": 20, "track_total_hits": True, "_source": False}
    if query.order == "newest":
        body |= {"query": {"bool": {"filter": [*within, *words]}}, "sort": [{"date": "desc"}, {"record": "asc"}]}
    else:
        body |= {"query": {"bool": {"filter": within, "must": words}}}
    if query.facets:
        body["aggs"] = {key: {"terms": {"field": FIELD_OF.get(key, key), "size": 1000}} for key in query.facets}
    return body


def bare_clause(kind: str, value: str) -> Iterator[dict[str, Any]]:
    if kind == "number":
        yield {"term": {"number_hash": value}}
        return
    for phrase in phrases(value):
        if phrase.initial:
            yield {"prefix": {"text": phrase.initial}}
        elif len(phrase.tokens) == 1:
            yield {"term": {"text": phrase.tokens[0]}}
        else:
            yield {"match_phrase": {"text": " ".join(phrase.tokens)}}


def measured(case: Case, index: ElasticIndex, client: Elasticsearch, alias: str, rounds: int) -> dict[str, Any]:
    body = bare_body(case)
    ways = {
        "adapter": lambda: index.search(case.query, viewer=case.viewer).total,
        "bare": lambda: int(client.search(index=alias, **body)["hits"]["total"]["value"]),
    }
    for _ in range(3):
        totals = {way: ask() for way, ask in ways.items()}
    if totals["adapter"] != totals["bare"]:
        message = f"{case.name}: {totals}"
        raise click.ClickException(message)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds):
        for way in sorted(ways, reverse=bool(number % 2)):
            times[way].append(timed(ways[way])[0])
    found: dict[str, Any] = {way: quantiles(values) for way, values in times.items()}
    bar = FACTOR * found["bare"]["p95"] + SLACK_MS
    return {"case": case.name, "total": totals["adapter"], **found, "holds": found["adapter"]["p95"] <= bar}


def indexed(index: ElasticIndex, client: Elasticsearch, name: str, records: int, seed: int) -> dict[str, float]:
    """Documents a second: all of the adapter's rebuild, its sending alone, and the client's bulk helper."""
    made = list(documents(records, seed))
    start = time.perf_counter()
    with index.rebuild() as fresh:
        fresh.put(made)
    adapter = time.perf_counter() - start
    start = time.perf_counter()
    ready = [{"_id": one.record.hex, **json.loads(elastic_mapping.written(one))} for one in made]
    cutting = time.perf_counter() - start
    settings = {"index": {**elastic_mapping.settings()["index"], "refresh_interval": "-1"}}
    client.indices.create(index=name, mappings=elastic_mapping.mapping(), settings=settings)
    start = time.perf_counter()
    bulk(client, ready, index=name, chunk_size=1000)
    client.indices.refresh(index=name)
    bare = time.perf_counter() - start
    client.indices.delete(index=name)
    return {
        "adapter": round(records / adapter),
        "bare": round(records / bare),
        "cutting": round(records / cutting),
        "ratio": round(bare / adapter, 2),
        "bare_with_cutting": round(records / (bare + cutting)),
    }


@click.command()
@click.option("--records", default=100_000, show_default=True)
@click.option("--rounds", default=40, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Where the numbers go as JSON.")
def main(records: int, rounds: int, seed: int, output: Path | None) -> None:
    """Measure and print a table."""
    with a_prefix() as prefix, a_client(services.elasticsearch()) as client:
        index = an_index(prefix)
        speed = indexed(index, client, f"{prefix}-bare", records, seed)
        client.options(request_timeout=600).indices.forcemerge(index=f"{prefix}-records", max_num_segments=1)
        sample = next(documents(records, seed))
        rows = [measured(case, index, client, f"{prefix}-records", rounds) for case in cases(sample)]
        status = dict(index.status())
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
    report = {"machine": machine, "index": {**status, "documents_per_second": speed}, "rows": rows}
    if output:
        output.write_text(json.dumps(report, ensure_ascii=False, indent=1))
    click.echo(json.dumps({"machine": machine, **report["index"]}))
    click.echo(f"{'case':55} {'total':>8} {'p50':>8} {'p95':>8} {'bare p50':>9} {'p95':>8} {'holds':>6}")
    for row in rows:
        here, bare = row["adapter"], row["bare"]
        click.echo(
            f"{row['case']:55} {row['total']:8} {here['p50']:8.2f} {here['p95']:8.2f}"
            f" {bare['p50']:9.2f} {bare['p95']:8.2f} {row['holds']!s:>6}"
        )


if __name__ == "__main__":
    main()
