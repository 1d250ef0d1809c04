"""The sections of the settings file on checks and notices; the password of e-mail may come from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time

from pydantic import BaseModel, ConfigDict, Field, field_validator

from steelyard.domain.notices import CheckTimes, NoticeSettings, Security, SmtpServer
from steelyard.domain.reach import ANYWHERE, reach_of

PASSWORD_ENV = "STEELYARD_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
_PORTS: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}


class Checks(BaseModel):
    """`[checks]`: `at` as "06:00", UTC."""

    model_config = ConfigDict(extra="forbid")
    on: bool = True
    at: str = "06:00"
    every_hours: int = Field(default=24, ge=1, le=168)

    @field_validator("at")
    @classmethod
    def _is_time(cls, text: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
            raise ValueError('a time of day is written as "06:00", in UTC')
        return text

    def times(self) -> CheckTimes:
        return CheckTimes(self.on, time.fromisoformat(self.at), self.every_hours)


class _Smtp(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    host: str = Field(min_length=1, pattern=r"^[^\s/@]+$")
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Security = "starttls"
    sender: str = Field(alias="from", pattern=r"^[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+$")
    user: str | None = None
    password: str | None = Field(default=None, repr=False)


class Notices(BaseModel):
    """`[notices]` and `[notices.smtp]`."""

    model_config = ConfigDict(extra="forbid")
    base_url: str | None = None
    allow_private_addresses: bool = False
    smtp: _Smtp | None = None

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
            raise ValueError("a base URL starts with http:// or https:// and has no user, query or spaces")
        return url

    def settings(self, checks: Checks, env: Mapping[str, str]) -> NoticeSettings:
        """As the rest of the program reads them."""
        smtp, found = None, self.smtp
        if found is not None:
            password = env.get(PASSWORD_ENV) or found.password
            port = found.port or _PORTS[found.security]
            smtp = SmtpServer(found.host, port, found.sender, found.security, found.user, password)
        base_url = None if self.base_url is None else self.base_url.rstrip("/")
        reach = ANYWHERE if self.allow_private_addresses else reach_of(env)
        return NoticeSettings(checks.times(), base_url, reach, smtp)
