"""What the contract tests share."""

import pytest
import services
from services import S3Server


@pytest.fixture(params=["minio", "versitygw"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 server that there is."""
    return services.s3(request.param)
