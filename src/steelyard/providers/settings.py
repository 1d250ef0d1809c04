"""The settings file, and the vendors' own environment variables: which providers there are, how calls are made."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from steelyard.domain.errors import SettingsError
from steelyard.domain.hosting import Hosting
from steelyard.domain.models import ModelRef
from steelyard.domain.notices import NoticeSettings
from steelyard.domain.openid import OpenIdProvider
from steelyard.domain.reach import Reach
from steelyard.domain.staleness import STALE_AFTER_DAYS
from steelyard.domain.usage import KEPT_MONTHS
from steelyard.pricing.rates import DatedPrices, DatedRates, Rates
from steelyard.providers.hosting_settings import Server
from steelyard.providers.notice_settings import Checks, Notices
from steelyard.providers.openid_settings import OpenId, openid_providers

Kind = Literal["openai", "anthropic", "google"]
Mark = Literal["deprecated", "gone"]
StructuredOutput = Literal["auto", "native", "tool", "prompted"]

LOCAL = "local"
SETTINGS_FILE = "settings.toml"
PLACEHOLDER_KEY = "no-key-needed"


@dataclass(frozen=True)
class Endpoint:
    """One provider as it will be called.

    `base_url` None is the vendor's own; `base_url_from` names what set it, a variable or the file. `api_key` None
    means no key is at hand; `key_env` names the variable that would hold it. Keys never show in a repr. `reach` bounds
    where an address that a tenant gave may lead; None for the operator's own. `key_problem`: why a stored key cannot be
    used, in a sentence.
    """

    name: str
    kind: Kind
    key_env: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    auth_token: str | None = field(default=None, repr=False)
    structured_output: StructuredOutput = "auto"
    base_url_from: str = SETTINGS_FILE
    reach: Reach | None = None
    key_problem: str | None = None

    @property
    def usable(self) -> bool:
        return bool(self.api_key or self.auth_token)

    @property
    def has_vendors_models(self) -> bool:
        """Whether the vendor's own models answer here: a server of one's own that speaks OpenAI's protocol, or
        Google's, need not have them."""
        return self.base_url is None or self.kind == "anthropic"

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(text for text in (self.api_key, self.auth_token) if text and text != PLACEHOLDER_KEY)


@dataclass(frozen=True)
class CallSettings:
    """How calls are made: seconds for one attempt, seconds within which another attempt may start, and streaming."""

    attempt_timeout_s: float = 300.0
    deadline_s: float = 120.0
    stream: bool = False
    local_threads: int = 0
    local_context: int = 8192


@dataclass(frozen=True)
class ProviderSettings:
    """`endpoints` by name, `prices` of one's own and `marks` of models that go or have gone by `provider:name`, the
    days after which a benchmark is stale, and for how many whole months before this one `steelyard rollup retention`
    keeps uses one by one. `shared`: whether every tenant may use these providers; None leaves it to the mode. `local`:
    whether models of this machine are among them; `others` says where further ones are added, None for the file.
    `dated` are prices that the tenant gave for providers of its own; the file has none.
    """

    home: Path
    endpoints: Mapping[str, Endpoint]
    calls: CallSettings = CallSettings()
    prices: Mapping[str, Rates] = field(default_factory=dict[str, Rates])
    stale_after_days: int = STALE_AFTER_DAYS
    marks: Mapping[str, Mark] = field(default_factory=dict[str, Mark])
    kept_months: int = KEPT_MONTHS
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    hosting: Hosting = field(default_factory=Hosting)
    openid: tuple[OpenIdProvider, ...] = ()
    shared: bool | None = None
    local: bool = True
    others: str | None = None
    dated: DatedPrices = field(default_factory=dict[str, tuple[DatedRates, ...]])

    @property
    def names(self) -> tuple[str, ...]:
        """Every provider name a reference may use, `local` last."""
        return (*self.endpoints, LOCAL) if self.local else tuple(self.endpoints)


class _Price(BaseModel):
    """US dollars per million tokens."""

    model_config = ConfigDict(extra="forbid")
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_read: float | None = Field(default=None, ge=0)
    cache_write: float | None = Field(default=None, ge=0)


class _Provider(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Kind | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    structured_output: StructuredOutput = "auto"
    prices: dict[str, _Price] = Field(default_factory=dict)
    deprecated: list[str] = Field(default_factory=list)
    gone: list[str] = Field(default_factory=list)

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r"https?://[^/\s]+", url):
            raise ValueError("a base URL starts with http:// or https:// and has no spaces")
        return url


# What a section may say of the models of a provider that is not its own.
_OF_MODELS = frozenset({"prices", "deprecated", "gone"})


class _Calls(BaseModel):
    model_config = ConfigDict(extra="forbid")
    attempt_timeout_s: float = Field(default=300.0, gt=0)
    deadline_s: float = Field(default=120.0, ge=0)
    stream: bool = False
    local_threads: int = Field(default=0, ge=0, le=256)
    local_context: int = Field(default=8192, ge=512)


class _Staleness(BaseModel):
    model_config = ConfigDict(extra="forbid")
    days: int = Field(default=STALE_AFTER_DAYS, ge=1, le=36_500)


class _Retention(BaseModel):
    model_config = ConfigDict(extra="forbid")
    months: int = Field(default=KEPT_MONTHS, ge=2, le=120)


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")
    share_providers: bool | None = None
    providers: dict[str, _Provider] = Field(default_factory=dict)
    calls: _Calls = Field(default_factory=_Calls)
    staleness: _Staleness = Field(default_factory=_Staleness)
    retention: _Retention = Field(default_factory=_Retention)
    checks: Checks = Field(default_factory=Checks)
    notices: Notices = Field(default_factory=Notices)
    server: Server = Field(default_factory=Server)
    openid: dict[str, OpenId] = Field(default_factory=dict)


def load_settings(home: Path, env: Mapping[str, str]) -> ProviderSettings:
    """Read `home/settings.toml` (it may be absent) and the vendors' variables in `env`.

    A provider of the file replaces a built-in one of the same name, whose kind it has where it names none. Raises
    SettingsError naming file and line.
    """
    path = home / SETTINGS_FILE
    file = _read(path)
    endpoints = _built_in(env)
    for name, provider in file.providers.items():
        if not is_name(name):
            raise SettingsError(
                f"'{name}' cannot be a provider's name.",
                file=str(path),
                line=_line(path, ("providers", name)),
                next_step="Use lower-case letters, digits, '-', '_' and '.'; 'local' is taken.",
            )
        built_in = endpoints.get(name)
        kind = provider.kind or (built_in.kind if built_in else None)
        if kind is None and provider.model_fields_set <= _OF_MODELS:
            # Of a provider that tenants make for themselves, which is none of the file's.
            continue
        if kind is None:
            raise SettingsError(
                f"providers.{name}: it has no kind, which says how it is spoken to.",
                file=str(path),
                line=_line(path, ("providers", name)),
                next_step=f"Add kind = {' or '.join(json.dumps(one) for one in get_args(Kind))}.",
            )
        endpoints[name] = _from_file(name, kind, provider, built_in, env)
    for name, endpoint in endpoints.items():
        if re.match(r"[^/]*//[^/?#]*@", endpoint.base_url or ""):
            raise SettingsError(
                f"The base URL of {name} carries a user name or a password, which would be shown and stored.",
                next_step=f"Take it out of the URL and set {endpoint.key_env}.",
            )
    return ProviderSettings(
        home,
        endpoints,
        CallSettings(**file.calls.model_dump()),
        _prices(file),
        file.staleness.days,
        _marks(file),
        file.retention.months,
        file.notices.settings(file.checks, env),
        file.server.hosting(env),
        tuple(openid_providers(file.openid, env)),
        file.share_providers,
    )


def is_name(text: str) -> bool:
    """Whether a provider may be called so."""
    return re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", text) is not None and text != LOCAL


def price_section(model: ModelRef) -> str:
    """The heading under which the settings file has a model's price."""
    # A name's other signs, '-' and '_', need no quotes in TOML; a dot would begin a section of its own.
    provider = json.dumps(model.provider) if "." in model.provider else model.provider
    return f"[providers.{provider}.prices.{json.dumps(model.name, ensure_ascii=False)}]"


def read_prices(home: Path) -> dict[str, Rates]:
    """The prices of `home/settings.toml` by `provider:name`. Raises SettingsError."""
    return _prices(_read(home / SETTINGS_FILE))


def _prices(file: _File) -> dict[str, Rates]:
    return {
        f"{name}:{model}": Rates(price.input, price.output, price.cache_read, price.cache_write)
        for name, provider in file.providers.items()
        for model, price in provider.prices.items()
    }


def _marks(file: _File) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    for name, provider in file.providers.items():
        marks |= {f"{name}:{model}": "deprecated" for model in provider.deprecated}
        marks |= {f"{name}:{model}": "gone" for model in provider.gone}
    return marks


def _built_in(env: Mapping[str, str]) -> dict[str, Endpoint]:
    """The three vendors as their own SDKs read the environment; an empty variable is an absent one."""

    def get(*names: str) -> str | None:
        return next((env[name] for name in names if env.get(name)), None)

    def key_or_placeholder(key: str | None, base_url: str | None) -> str | None:
        """Servers of one's own often need no key, but the SDKs insist on one."""
        return key or (PLACEHOLDER_KEY if base_url else None)

    anthropic_url = get("ANTHROPIC_BASE_URL")
    anthropic_key, anthropic_token = get("ANTHROPIC_API_KEY"), get("ANTHROPIC_AUTH_TOKEN")
    if anthropic_key is None and anthropic_token is None:
        anthropic_key = key_or_placeholder(None, anthropic_url)
    openai_url = get("OPENAI_BASE_URL")
    google_url = get("GOOGLE_GEMINI_BASE_URL")
    return {
        "anthropic": Endpoint(
            "anthropic",
            "anthropic",
            "ANTHROPIC_API_KEY",
            anthropic_url,
            anthropic_key,
            None if anthropic_key else anthropic_token,
            base_url_from="ANTHROPIC_BASE_URL",
        ),
        "openai": Endpoint(
            "openai",
            "openai",
            "OPENAI_API_KEY",
            openai_url,
            key_or_placeholder(get("OPENAI_API_KEY"), openai_url),
            base_url_from="OPENAI_BASE_URL",
        ),
        "google": Endpoint(
            "google",
            "google",
            "GEMINI_API_KEY",
            google_url,
            key_or_placeholder(get("GOOGLE_API_KEY", "GEMINI_API_KEY"), google_url),
            base_url_from="GOOGLE_GEMINI_BASE_URL",
        ),
    }


def _from_file(
    name: str, kind: Kind, provider: _Provider, built_in: Endpoint | None, env: Mapping[str, str]
) -> Endpoint:
    base_url = provider.base_url or (built_in.base_url if built_in and built_in.kind == kind else None)
    key_env = provider.api_key_env or (
        built_in.key_env if built_in else f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_API_KEY"
    )
    key = env.get(key_env) or None
    token: str | None = None
    if key is None and built_in is not None and built_in.kind == kind and provider.api_key_env is None:
        key, token = built_in.api_key, built_in.auth_token
    if key is None and token is None and provider.api_key_env is None and base_url is not None:
        key = PLACEHOLDER_KEY
    source = SETTINGS_FILE if provider.base_url or built_in is None else built_in.base_url_from
    return Endpoint(name, kind, key_env, base_url, key, token, provider.structured_output, source)


def _read(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _File()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file cannot be read: {error}.", file=str(path)) from error
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        line = int(where[1]) if where else text.count("\n") + 1
        raise SettingsError(f"This is not valid TOML: {error}.", file=str(path), line=line) from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets within brackets without end.
        raise SettingsError("This is no TOML that can be read.", file=str(path)) from error
    if "prices" in data:
        raise SettingsError(
            "prices: prices stand under their provider, and these would be of none.",
            file=str(path),
            line=_line_of_prices(text),
            next_step='Write [providers.NAME.prices."MODEL"] with input and output, in US dollars per million tokens.',
        )
    try:
        return _File.model_validate(data)
    except ValidationError as error:
        found = error.errors()
        keys = tuple(str(part) for part in found[0]["loc"])
        raise SettingsError(
            f"{'; '.join(_problem(one['loc'], one['type'], one['msg']) for one in found)}.",
            file=str(path),
            line=_line(path, keys),
            next_step="Mend the file, then give the command again; `steelyard doctor` says whether it can be read.",
        ) from error


def _line_of_prices(text: str) -> int | None:
    lines = enumerate(text.splitlines(), 1)
    return next((number for number, line in lines if re.match(r"\s*(\[\s*)?[\"']?prices[\"']?\s*[\].=]", line)), None)


def _problem(place: Sequence[int | str], kind: str, message: str) -> str:
    """`calls.foo: there is no such setting`."""
    said = {"extra_forbidden": "there is no such setting", "missing": "it is missing"}.get(kind)
    return f"{'.'.join(str(part) for part in place)}: {said or message.removeprefix('Value error, ')}"


def _line(path: Path, keys: tuple[str, ...]) -> int | None:
    """The line of the deepest of `keys` that can be found, its table header first."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found: int | None = None
    start = 0
    for depth in range(1, len(keys) + 1):
        header = r"\s*\[\s*" + r"\s*\.\s*".join(rf"[\"']?{re.escape(key)}[\"']?" for key in keys[:depth]) + r"\s*\]"
        entry = rf"\s*(?:[\w.\"'-]+\s*\.\s*)?[\"']?{re.escape(keys[depth - 1])}[\"']?\s*(=|\.)"
        for number in range(start, len(lines)):
            if re.match(header, lines[number]) or re.match(entry, lines[number]):
                found, start = number + 1, number
                break
    return found
