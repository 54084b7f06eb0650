"""Real servers for tests: those that `deploy/services env` names. A test whose server is not there is skipped."""

from dataclasses import dataclass, field
from functools import cache

import postgres_cluster
import pytest

from archive_app.core.settings import environment


@dataclass(frozen=True)
class S3Server:
    endpoint: str  # http://127.0.0.1:port
    access_key: str
    secret_key: str = field(repr=False)


def postgres_url() -> str:
    """The URL of an administrator; `postgres_cluster.a_database()` makes a fresh database there."""
    return postgres_cluster.server()


@cache
def minio() -> S3Server:
    return S3Server(_given("TEST_MINIO_URL"), _given("TEST_S3_ACCESS_KEY"), _given("TEST_S3_SECRET_KEY"))


@cache
def versitygw() -> S3Server:
    return S3Server(_given("TEST_VERSITYGW_URL"), _given("TEST_S3_ACCESS_KEY"), _given("TEST_S3_SECRET_KEY"))


def s3(name: str) -> S3Server:
    return minio() if name == "minio" else versitygw()


@cache
def elasticsearch() -> str:
    return _given("TEST_ELASTICSEARCH_URL")


@cache
def rabbitmq() -> str:
    return _given("TEST_RABBITMQ_URL")


def _given(name: str) -> str:
    value = environment().get(name)
    if not value:
        pytest.skip(f'{name} is not set: deploy/services start && eval "$(deploy/services env)"')
    return value
