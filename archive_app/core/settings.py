"""Settings: parsed once from the environment, frozen, all faults reported together.

`ARCHIVE_HOME` is the folder of an embedded archive; everything else has a default under it. A key we do not know is a
fault, so that a typing slip never becomes a default. Secrets can be given as `…_FILE`.
"""

import os
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from archive_app.core.errors import InvalidInput

_MASK = "********"
_NEXT = re.compile(r",(?=[a-z][a-z0-9+.-]*://)")
_USER = re.compile(r"(?<=://)([^:]*):.*@")
_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force. One field per `ARCHIVE_<NAME>` key, documented in the README table."""

    home: Path
    database_url: str = field(repr=False)
    keys: Path  # the folder of the archive's keys: the same on every machine that works for one archive
    store_url: str
    index_url: str
    broker_url: str = field(default="local:", repr=False)  # or amqp://user:password@host:port/vhost, amqps://
    broker_ca: str | None = None  # file of the authority that signed the broker's certificate
    ocr_engine: str = "rapidocr"
    workers: int = 0  # OCR processes on this machine; 0 = one per core
    time_zone: str = "Asia/Shanghai"  # the archive's own zone: retention is counted in its days
    limit_bytes: int = 4 << 30
    limit_pages: int = 5_000
    limit_page_pixels: int = 200_000_000
    limit_page_seconds: int = 60
    limit_child_memory: int = 4 << 30
    session_idle_minutes: int = 30
    secure_cookies: bool = False  # true wherever TLS stands before the site
    trusted_proxies: int = 0  # how many proxies in front may set X-Forwarded-*
    language: str = "zh"
    log: str = "text"  # or json: one object a line, for what collects logs
    store_access_key: str | None = field(default=None, repr=False)
    store_secret_key: str | None = field(default=None, repr=False)
    store_ca: str | None = None
    store_region: str = "us-east-1"
    index_api_key: str | None = field(default=None, repr=False)
    index_ca: str | None = None
    index_prefix: str = "archive"  # of the names of indices, aliases and templates
    database_owner_url: str | None = field(default=None, repr=False)  # the tables' owner: `init`, `db` and restore
    database_backup_url: str | None = field(default=None, repr=False)  # who reads every row and writes none
    database_pool: int = 10  # connections of one process at most
    metrics_token: str | None = field(default=None, repr=False)  # who asks for /metrics gives it
    backup_url: str | None = None  # file:///folder or s3+https://host:port/bucket/prefix
    backup_access_key: str | None = field(default=None, repr=False)
    backup_secret_key: str | None = field(default=None, repr=False)
    backup_key: str | None = field(default=None, repr=False)  # encrypts what is backed up
    backup_rate: int = 0  # megabytes a second at most; 0 = as fast as it goes
    backup_at: str | None = None  # hour and minute of the daily backup in the archive's zone, such as 02:30
    register_url: str | None = None  # where the register of destructions is kept, apart from the backup
    register_access_key: str | None = field(default=None, repr=False)
    register_secret_key: str | None = field(default=None, repr=False)
    sources: Mapping[str, str] | None = None  # key -> where its value came from

    @property
    def on_broker(self) -> bool:
        """Whether a broker wakes the workers; otherwise those of this machine look for themselves."""
        return not self.broker_url.startswith("local:")

    @classmethod
    def from_env(cls, environment: Mapping[str, str], *, home: Path | None = None) -> "Settings":
        """Parse. Raises `InvalidInput` naming every fault at once."""
        return _Parser(environment, home).settings()

    def shown(self) -> dict[str, dict[str, object]]:
        """Every setting with where it came from, secrets masked."""
        answer: dict[str, dict[str, object]] = {}
        for item in fields(self):
            if item.name == "sources":
                continue
            value = getattr(self, item.name)
            if value is not None and item.name.endswith("_url"):
                value = _without_password(str(value))
            elif value is not None and item.name in _SECRETS:
                value = _MASK
            elif isinstance(value, Path):
                value = str(value)
            answer[f"ARCHIVE_{item.name.upper()}"] = {
                "value": value,
                "source": (self.sources or {}).get(item.name, "default"),
            }
        return answer


_SECRETS = frozenset(
    {
        "database_url",
        "database_owner_url",
        "database_backup_url",
        "broker_url",
        "store_access_key",
        "store_secret_key",
        "index_api_key",
        "metrics_token",
        "backup_access_key",
        "backup_secret_key",
        "backup_key",
        "register_access_key",
        "register_secret_key",
    }
)
_CHOICES = {"ocr_engine": ("rapidocr", "tesseract"), "language": ("zh", "en"), "log": ("text", "json")}
_FORMS = {
    "broker_url": (re.compile(r"(local|amqps?)(:.*)?"), "local:, amqp:// or amqps://"),
    "index_prefix": (re.compile(r"[a-z][a-z0-9-]{0,60}"), "lower-case letters, digits and hyphens"),
    "backup_at": (re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]"), "hour and minute such as 02:30"),
}
_MAY_BE_ZERO = frozenset({"workers", "trusted_proxies", "backup_rate"})
#: Read by the command line alone; never a setting of the archive.
_OTHER_KEYS = frozenset({"ARCHIVE_TOKEN", "ARCHIVE_TOKEN_FILE"})


def environment() -> Mapping[str, str]:
    """The process environment: the one place that looks at it."""
    return os.environ  # noqa: TID251 - this is the place


def _without_password(urls: str) -> str:
    """One address, or several with commas between; a password may also stand among the parameters."""
    return ",".join(_PARAMETER.sub(rf"\g<1>{_MASK}", _USER.sub(rf"\g<1>:{_MASK}@", url)) for url in _NEXT.split(urls))


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return words[text.lower()]


class _Parser:
    def __init__(self, environment: Mapping[str, str], home: Path | None) -> None:
        self._environment = environment
        self._home = home
        self._faults: dict[str, object] = {}
        self._sources: dict[str, str] = {}

    def settings(self) -> Settings:
        self._refuse_unknown()
        home = self._home or Path(self._text("home", default=str(Path.cwd() / "archive-home")))
        home = home.resolve()
        values: dict[str, object] = {
            "home": home,
            "keys": Path(self._text("keys", default=str(home / "keys"))).resolve(),
            "database_url": self._text("database_url", default=f"sqlite:///{home}/archive.db"),
            "store_url": self._text("store_url", default=f"file://{home}/store"),
            "index_url": self._text("index_url", default=f"embedded:{home}/index"),
            "sources": self._sources,
        }
        for item in fields(Settings):
            if item.name not in values:
                values[item.name] = self._one(item.name, item.default)
        self._check(values)
        if self._faults:
            raise InvalidInput("settings-invalid", **self._faults)
        return Settings(**values)  # type: ignore[arg-type]  # checked key by key above

    def _refuse_unknown(self) -> None:
        known = {f"ARCHIVE_{item.name.upper()}" for item in fields(Settings)} - {"ARCHIVE_SOURCES"}
        known |= {f"ARCHIVE_{name.upper()}_FILE" for name in _SECRETS} | _OTHER_KEYS
        for key in self._environment:
            if key.startswith("ARCHIVE_") and key not in known:
                self._faults[key] = "unknown setting"

    def _text(self, name: str, *, default: str) -> str:
        found = self._one(name, default)
        return default if found is None else str(found)

    def _one(self, name: str, default: object) -> object:
        key = f"ARCHIVE_{name.upper()}"
        if name in _SECRETS and f"{key}_FILE" in self._environment:
            self._sources[name] = f"{key}_FILE"
            if key in self._environment:
                self._faults[f"{key}_FILE"] = f"given beside {key}"
                return None
            return self._secret(key)
        if key not in self._environment:
            return default
        self._sources[name] = key
        parsers: dict[type, Callable[[str], object]] = {bool: _flag, int: int}
        parse = parsers.get(type(default), str)
        try:
            return parse(self._environment[key])
        except (ValueError, KeyError):
            self._faults[key] = f"not a {type(default).__name__}"
            return default

    def _secret(self, key: str) -> str | None:
        try:
            secret = Path(self._environment[f"{key}_FILE"]).read_text(encoding="utf-8").strip()
        except OSError as error:
            self._faults[f"{key}_FILE"] = error.strerror or "unreadable"
            return None
        except UnicodeDecodeError:
            self._faults[f"{key}_FILE"] = "not UTF-8 text"
            return None
        if not secret:
            self._faults[f"{key}_FILE"] = "empty"
        return secret

    def _check(self, values: Mapping[str, object]) -> None:
        for name, choices in _CHOICES.items():
            if values[name] not in choices:
                self._faults[f"ARCHIVE_{name.upper()}"] = " or ".join(choices)
        for name, (form, words) in _FORMS.items():
            if values[name] is not None and not form.fullmatch(str(values[name])):
                self._faults[f"ARCHIVE_{name.upper()}"] = words
        try:
            zoneinfo.ZoneInfo(str(values["time_zone"]))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is no zone
            self._faults["ARCHIVE_TIME_ZONE"] = "no such zone"
        for name, value in values.items():
            if not isinstance(value, int) or isinstance(value, bool):
                continue
            if value < 0 or (value == 0 and name not in _MAY_BE_ZERO):
                self._faults[f"ARCHIVE_{name.upper()}"] = "must be positive"
