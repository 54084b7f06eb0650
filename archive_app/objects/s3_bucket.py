"""The bucket of an S3 store: made as it should be where that is allowed, otherwise what an administrator must do."""

from dataclasses import dataclass

from minio.commonconfig import ENABLED
from minio.error import S3Error
from minio.versioningconfig import VersioningConfig

from archive_app.objects.s3_client import S3Client, wire_faults


@dataclass(frozen=True, slots=True)
class Prepared:
    """How the bucket stands. `todo` names what somebody with more rights has to do, one thing a line."""

    bucket: str
    made: bool
    versions: bool
    locks: bool
    todo: tuple[str, ...]


def prepare(client: S3Client, *, setting: str = "ARCHIVE_STORE_URL") -> Prepared:
    """Make the bucket with object lock, or turn versioning on in the one that is there. Raises `Unavailable`."""
    bucket = client.bucket
    with wire_faults():
        try:
            made = not client.bucket_exists(bucket)
            if made:
                client.make_bucket(bucket, object_lock=True)
        except S3Error as refusal:
            return Prepared(bucket, made=False, versions=False, locks=False, todo=(_make(bucket, refusal),))
        todo = []
        versions = client.versioned()
        if not versions:
            try:
                client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
                versions = client.versioned()
            except S3Error as refusal:
                todo.append(
                    f"turn versioning on ({refusal.code}): "
                    f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
                )
        locks = client.locking()
    if not locks:
        todo.append(
            f"the bucket {bucket} cannot lock objects, and most servers allow that only when a bucket is made: "
            f"make a new one with object lock and point {setting} at it before anything is put there"
        )
    return Prepared(bucket, made, versions, locks, tuple(todo))


def _make(bucket: str, refusal: S3Error) -> str:
    return (
        f"the server does not let these credentials look for or make the bucket ({refusal.code}); make it with: "
        f"mc mb --with-lock ALIAS/{bucket}, or: "
        f"aws s3api create-bucket --bucket {bucket} --object-lock-enabled-for-bucket; and allow these credentials "
        "s3:GetObject*, s3:PutObject*, s3:DeleteObject*, s3:ListBucket*, s3:AbortMultipartUpload and "
        "s3:GetBucket* on it, but neither s3:PutBucketVersioning nor s3:BypassGovernanceRetention"
    )


__all__ = ["Prepared", "prepare"]
