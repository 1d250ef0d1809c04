"""The section of the settings file on who reaches this installation and how; the environment goes before it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator

from steelyard.domain.errors import SettingsError
from steelyard.domain.hosting import Hosting, Mode

MODE_ENV = "STEELYARD_MODE"
URL_ENV = "STEELYARD_PUBLIC_URL"
PROXIES_ENV = "STEELYARD_TRUSTED_PROXIES"


def _public_url(text: str) -> str:
    """Scheme, host and port alone. Raises ValueError."""
    text = text.strip().rstrip("/")
    if not re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?", text):
        raise ValueError("the public address is written as https://steelyard.example, without a path")
    return text.lower()


def _proxies(texts: list[str]) -> list[str]:
    """Raises ValueError."""
    for text in texts:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is no address or network of a proxy, as 10.0.0.2 or 10.0.0.0/24") from None
    return texts


class Server(BaseModel):
    """`[server]`."""

    model_config = ConfigDict(extra="forbid")
    mode: Mode | None = None
    public_url: str | None = None
    trusted_proxies: list[str] = Field(default_factory=list)

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, text: str | None) -> str | None:
        return None if text is None else _public_url(text)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, texts: list[str]) -> list[str]:
        return _proxies(texts)

    def hosting(self, env: Mapping[str, str]) -> Hosting:
        """As the rest of the program reads it. Raises SettingsError naming the variable."""
        mode, url, proxies = self.mode, self.public_url, self.trusted_proxies
        name = MODE_ENV
        try:
            if env.get(MODE_ENV):
                if env[MODE_ENV] not in list(Mode):
                    raise ValueError("the mode is local or team")
                mode = Mode(env[MODE_ENV])
            name = URL_ENV
            if env.get(URL_ENV):
                url = _public_url(env[URL_ENV])
            name = PROXIES_ENV
            if env.get(PROXIES_ENV):
                proxies = _proxies([one.strip() for one in env[PROXIES_ENV].split(",") if one.strip()])
        except ValueError as error:
            raise SettingsError(f"{name}: {error}.") from None
        return Hosting(mode, url, tuple(proxies))
