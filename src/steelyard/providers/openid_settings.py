"""The sections of the settings file on OpenID providers that people sign in by; one may come from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from steelyard.domain.access import Role
from steelyard.domain.errors import SettingsError
from steelyard.domain.openid import OpenIdProvider, is_trusted_address

ENV = "STEELYARD_OPENID_"
# What the provider of the environment is called in addresses.
_OF_ENV = "sso"
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}")


class OpenId(BaseModel):
    """`[openid.NAME]`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    issuer: str
    client_id: str = Field(min_length=1, max_length=500)
    client_secret_env: str | None = None
    name: str | None = Field(default=None, min_length=1, max_length=60)
    scopes: list[str] = Field(default_factory=lambda: ["openid", "email", "profile"])
    domains: list[str] = Field(default_factory=list)
    addresses_are_verified: bool = False
    default_tenant: str | None = None
    default_role: Role = Role.VIEWER

    @field_validator("issuer")
    @classmethod
    def _is_issuer(cls, text: str) -> str:
        if not is_trusted_address(text) or urlsplit(text).query:
            raise ValueError("an issuer is written as https://id.example.org, as it calls itself, without a query")
        return text

    @field_validator("scopes")
    @classmethod
    def _has_openid(cls, texts: list[str]) -> list[str]:
        if "openid" not in texts or any(not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", text) for text in texts):
            raise ValueError('scopes are single words, "openid" among them')
        return texts

    @field_validator("domains")
    @classmethod
    def _are_domains(cls, texts: list[str]) -> list[str]:
        found = [text.strip().lower().removeprefix("@") for text in texts]
        if wrong := next((text for text in found if not _DOMAIN.fullmatch(text)), None):
            raise ValueError(f"{wrong[:100]!r} is no domain of addresses, as example.org")
        return found

    @model_validator(mode="after")
    def _fits_together(self) -> OpenId:
        if not self.domains and (self.default_tenant is not None or self.addresses_are_verified):
            raise ValueError("default_tenant and addresses_are_verified need domains: they hold for those alone")
        if self.default_role is Role.ADMIN:
            raise ValueError("default_role is viewer or editor: an admin is made by an admin")
        return self

    def provider(self, name: str, env: Mapping[str, str]) -> OpenIdProvider:
        """As the rest of the program reads it; the secret is in the environment alone."""
        variable = self.client_secret_env or f"{ENV}{re.sub(r'[^A-Z0-9]', '_', name.upper())}_SECRET"
        return OpenIdProvider(
            name,
            self.name or urlsplit(self.issuer).hostname or name,
            self.issuer,
            self.client_id,
            env.get(variable) or None,
            tuple(self.scopes),
            tuple(self.domains),
            self.addresses_are_verified,
            self.default_tenant,
            self.default_role,
        )


def openid_providers(sections: Mapping[str, OpenId], env: Mapping[str, str]) -> Sequence[OpenIdProvider]:
    """Those of the file in its order, then that of the environment. Raises SettingsError."""
    for name in sections:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name) or (name == _OF_ENV and env.get(f"{ENV}ISSUER")):
            raise SettingsError(
                f"openid.{name[:60]}: that cannot be the name of an OpenID provider.",
                next_step="Use lower-case letters, digits and '-'; 'sso' is that of the environment.",
            )
    found = [section.provider(name, env) for name, section in sections.items()]
    if env.get(f"{ENV}ISSUER"):
        found.append(_of_env(env))
    return found


def _of_env(env: Mapping[str, str]) -> OpenIdProvider:
    def words(name: str) -> list[str]:
        return env.get(f"{ENV}{name}", "").replace(",", " ").split()

    given = {
        "issuer": env[f"{ENV}ISSUER"],
        "client_id": env.get(f"{ENV}CLIENT_ID", ""),
        "client_secret_env": f"{ENV}CLIENT_SECRET",
        "name": env.get(f"{ENV}NAME") or None,
        "domains": words("DOMAINS"),
        "default_tenant": env.get(f"{ENV}DEFAULT_TENANT") or None,
        "default_role": env.get(f"{ENV}DEFAULT_ROLE") or Role.VIEWER,
        **({"scopes": words("SCOPES")} if words("SCOPES") else {}),
    }
    try:
        return OpenId.model_validate(given).provider(_OF_ENV, env)
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"{ENV}{str(first['loc'][0]).upper()}" if first["loc"] else f"{ENV}*"
        raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}.") from None
