"""Indices of tests on a real Elasticsearch server, each under a prefix of its own that is swept afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import services
from elasticsearch import Elasticsearch

from search.elastic import ElasticIndex
from search.elastic_server import Address


def a_client(url: str | None = None) -> Elasticsearch:
    return Elasticsearch(url or services.elasticsearch(), request_timeout=30)


@contextmanager
def a_prefix() -> Iterator[str]:
    services.elasticsearch()  # skips before anything needs to be swept
    prefix = f"test-{uuid4().hex[:12]}"
    try:
        yield prefix
    finally:
        with a_client() as client:
            names = [*client.indices.get_alias(index=f"{prefix}-*")]
            if names:
                client.indices.delete(index=names)
            client.options(ignore_status=404).indices.delete_index_template(name=f"{prefix}-records")


def an_index(prefix: str, *, url: str | None = None, lease_s: float = 60.0) -> ElasticIndex:
    return ElasticIndex(Address.of(url or services.elasticsearch()), prefix=prefix, lease_s=lease_s)


@contextmanager
def an_elastic_index() -> Iterator[ElasticIndex]:
    with a_prefix() as prefix:
        index = an_index(prefix)
        index.prepare()
        yield index
