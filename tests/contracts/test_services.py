"""The servers of `deploy/services` answer in their own protocol, and only here."""

import http.client
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import kombu
import minio
import pytest
import services
import sqlalchemy as sa
import yaml

from archive_app.core.settings import environment

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "services"

pytestmark = pytest.mark.services


def test_postgres_is_new_enough_and_knows_chinese_order():
    engine = sa.create_engine(services.postgres_url())
    with engine.connect() as connection:
        assert connection.dialect.server_version_info >= (15,)
        ordered = (
            "SELECT string_agg(name, '' ORDER BY name COLLATE \"zh-x-icu\") FROM (VALUES ('张'), ('安')) names (name)"
        )
        assert connection.exec_driver_sql(ordered).scalar_one() == "安张"
    engine.dispose()


@pytest.mark.parametrize("server", [services.minio, services.versitygw])
def test_an_s3_server_keeps_versions(server: Callable[[], services.S3Server]):
    s3 = server()
    client = minio.Minio(urlsplit(s3.endpoint).netloc, s3.access_key, s3.secret_key, secure=False)
    bucket = f"test-{uuid4().hex}"
    client.make_bucket(bucket, object_lock=True)
    assert client.get_bucket_versioning(bucket).status == "Enabled"
    client.remove_bucket(bucket)


def test_elasticsearch_is_ready():
    where = urlsplit(services.elasticsearch()).netloc
    connection = http.client.HTTPConnection(where, timeout=30)
    connection.request("GET", "/_cluster/health")
    assert json.load(connection.getresponse())["status"] in {"green", "yellow"}
    connection.close()


def test_rabbitmq_takes_and_gives_a_message():
    name = uuid4().hex
    with kombu.Connection(services.rabbitmq()) as connection:
        with connection.SimpleQueue(name) as queue:
            queue.put("wake")
            message = queue.get(timeout=30)
            assert message.payload == "wake"
            message.ack()
        kombu.Queue(name, channel=connection.default_channel).delete()


def test_docker_compose_takes_the_file_of_compose_with_all_its_services():
    services.minio()  # who can build that server can build the reader
    said = subprocess.run([SCRIPT, "compose"], env=environment(), text=True, check=True, capture_output=True).stdout
    taken, written = yaml.safe_load(said), yaml.safe_load((SCRIPT.parent / "compose.yaml").read_text(encoding="utf-8"))
    assert taken["services"].keys() == written["services"].keys()
    for name, service in taken["services"].items():
        assert service["deploy"]["resources"]["limits"]["memory"], name


def test_a_killed_server_comes_back_with_its_data_and_clean_leaves_nothing():
    services.versitygw()  # the program is there
    folder = Path(f"/tmp/archive-services-test-{uuid4().hex[:8]}")  # noqa: S108 - another user must get at it

    def run(*words: str) -> str:
        surroundings = {**environment(), "SERVICES_DIR": str(folder)}
        return subprocess.run([SCRIPT, *words], env=surroundings, text=True, check=True, capture_output=True).stdout

    def client() -> minio.Minio:
        given = dict(line.removeprefix("export ").split("=", 1) for line in run("env").splitlines() if "=" in line)
        at, key, secret = (given[f"TEST_{name}"] for name in ("VERSITYGW_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY"))
        return minio.Minio(urlsplit(at).netloc, key, secret, secure=False)

    try:
        run("start", "versitygw")
        client().make_bucket("kept")
        run("kill", "versitygw")
        assert run("status", "versitygw").split() == ["versitygw", "stopped"]
        assert run("env") == ""
        run("start", "versitygw")
        assert client().bucket_exists("kept")
        assert (folder / "secrets").stat().st_mode & 0o077 == 0
    finally:
        run("clean")
    assert not folder.exists()
