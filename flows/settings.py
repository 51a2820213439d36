"""Every setting, read from the environment and from a `.env` file."""

import os
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from expectations.errors import BadRequest
from flows.clock import Clock
from flows.source import Key

PREFIX = "TIDEMARK_"
KEY_PREFIX = f"{PREFIX}KEY_"
ENV_FILE = ".env"
SECRETS = {f"{PREFIX}WEBHOOK"}  # the address may hold a password or a token
# Before Bitcoin there is no crypto market; an instant after this century is a typing error.
EARLIEST_NOW = datetime(2009, 1, 3, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
EARLIEST_START = date(1950, 1, 1)  # the oldest series, the federal funds rate, begins in 1954
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def _keys() -> dict[str, SecretStr]:
    """The provider keys, by the name after `TIDEMARK_KEY_`; the environment overrides the file."""
    given = {**dotenv_values(ENV_FILE), **os.environ}
    return {
        name.removeprefix(KEY_PREFIX): SecretStr(value)
        for name, value in given.items()
        if name.startswith(KEY_PREFIX) and value
    }


class Settings(BaseSettings):
    """The settings of a user; their names are `TIDEMARK_` and the field in upper case."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", frozen=True)

    home: Path = Field(default=Path("data"), description="The folder of all files; nothing is written outside.")
    gateway: str | None = Field(default=None, description="Ask GATEWAY/HOST/PATH instead of https://HOST/PATH.")
    now: datetime | None = Field(default=None, description="An ISO instant to use as now, everywhere.")
    start: date | None = Field(default=None, description="The first day of the ledger; 400 days back when unset.")
    sources: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        default=None,
        description="Comma-separated names of the sources to enable; all that need no key when unset.",
    )
    unofficial: bool = Field(default=False, description="Whether to use unofficial endpoints.")
    webhook: SecretStr | None = Field(default=None, description="Where new alerts are sent as JSON; never shown.")
    provider_keys: dict[str, SecretStr] = Field(default_factory=_keys, description="Keys of providers, by name.")

    @field_validator("home", mode="after")
    @classmethod
    def _can_be_opened(cls, value: Path) -> Path:
        place = str(value.absolute())
        if not place.isprintable() and any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in place):
            raise ValueError("expected a path without control characters")
        if "?" in place or "\\" in place:
            raise ValueError("expected a path without ? and \\, which DuckDB interprets differently")
        return value

    @field_validator("sources", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip().lower() for name in value.split(",") if name.strip()) or None
        return value

    @field_validator("gateway", "now", "start", "webhook", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("gateway", mode="after")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("expected an address such as http://127.0.0.1:8900")
        return value

    @field_validator("webhook", mode="after")
    @classmethod
    def _hook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("expected an address such as https://example.org/hook")
        return value

    @field_validator("now", mode="after")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        try:
            in_utc = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError:
            in_utc = datetime.min.replace(tzinfo=UTC)
        if not EARLIEST_NOW <= in_utc < LATEST:
            raise ValueError(f"expected an instant from {EARLIEST_NOW:%Y-%m-%d} on and before {LATEST:%Y-%m-%d}")
        return in_utc

    @field_validator("start", mode="after")
    @classmethod
    def _begun(cls, value: date | None, info: ValidationInfo) -> date | None:
        if value is None:
            return None
        if not EARLIEST_START <= value < LATEST.date():
            raise ValueError(f"expected a day from {EARLIEST_START} on and before {LATEST:%Y-%m-%d}")
        today = Clock(info.data.get("now")).now().date()
        if value > today:
            raise ValueError(f"expected a day that has begun, such as {today}")
        return value

    @property
    def may_send_keys(self) -> bool:
        """Whether a key may be sent: only to the provider itself, or to a gateway on this machine."""
        return self.gateway is None or urlsplit(self.gateway).hostname in LOOPBACK

    def key(self, wanted: Key | None) -> SecretStr | None:
        """The key for a source, if it is set and may be sent."""
        return self.provider_keys.get(wanted.name) if wanted is not None and self.may_send_keys else None

    @property
    def clock(self) -> Clock:
        """The clock of these settings."""
        return Clock(self.now)


def read_settings(**overrides: Any) -> Settings:
    """Read the settings; an invalid one becomes an error of one sentence."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        value = "another one" if name in SECRETS else repr(os.environ.get(name, first["input"]))
        expected = first["msg"].removeprefix("Value error, ")
        raise BadRequest(f"{name}: {expected}, found {value}") from None


def instant(text: str) -> datetime:
    """Parse an ISO 8601 instant; UTC if it has no time zone.

    Raises:
        BadRequest: The text is no instant.
    """
    try:
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"expected an ISO 8601 instant such as 2024-12-10T00:30:00Z, found {text!r}") from None
