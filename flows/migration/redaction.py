"""Redaction: no secret of this process in anything that it says.

Secrets are known by their values, in every spelling that a message can have them in;
the login of a URL and a ``password=`` are masked even where nobody knows them.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, unquote

from pydantic import BaseModel

from flows.migration.connection_strings import connection_strings

MASK = "***"

SHORTEST = 3
"""A secret of one or two characters is in every text: masked in URLs only."""
LONG = 8
"""A shorter one may be a word; inside another word it is none of ours."""

_SECRET_NAMES = ("TOKEN", "PASSWORD", "SECRET", "KEY", "AUTH_STRING")
_PREFIXES = ("PGFLIGHT_", "PREFECT_")
_REPLICAS = re.compile(r"PGFLIGHT_(\w+_)?REPLICAS")

# A login's end is the last @ before what ends the host; our own example stays.
_LOGIN = re.compile(r"(?<=://)(?!(?:owner|user):password@)[^\s/?#\"'<>]*@")
_ASSIGNED = re.compile(r"(?<=password=)(?:'(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.IGNORECASE)
_PARAMETER = re.compile(r"password=([^&]*)")
_KEY_VALUE = re.compile(
    r"password\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:\\.|[^'\s\\])(?:\\.|\S)*))"
)
_ESCAPED = re.compile(r"\\(.)")

Model = TypeVar("Model", bound=BaseModel)
Failure = TypeVar("Failure", bound=BaseException)


@dataclass
class Redaction:
    """The secrets that are known, and one expression that finds them all."""

    _values: set[str] = field(default_factory=set)
    _finder: re.Pattern[str] | None = None
    _one_at_a_time: Lock = field(default_factory=Lock)

    def add(self, secrets: Iterable[str]) -> None:
        """Know these secrets from now on."""
        with self._one_at_a_time:
            new = {form for secret in secrets for form in (secret, secret.strip())}
            new = {form for form in new if len(form) >= SHORTEST} - self._values
            if new:
                self._values |= new
                self._finder = _finder_of(self._values)

    def mask(self, text: str) -> str:
        """The text without secrets; the very same one where it holds none."""
        masked = self._finder.sub(MASK, text) if self._finder else text
        if "://" in masked:
            masked = _LOGIN.sub(f"{MASK}@", masked)
        masked = _ASSIGNED.sub(MASK, masked)
        # What is a text and more (an outcome, a progress) stays that.
        return text if masked == text else masked


KNOWN = Redaction()


def hide(secrets: Iterable[str]) -> None:
    """Know these secrets from now on, in this process."""
    KNOWN.add(secrets)


def mask(text: str) -> str:
    """The text without any secret that this process knows."""
    return KNOWN.mask(text)


def masked_in(value: Any) -> Any:
    """A value made of dictionaries, lists and texts, with every text masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {masked_in(key): masked_in(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked_in(item) for item in value]
    if isinstance(value, tuple):
        return tuple(masked_in(item) for item in value)
    if isinstance(value, set | frozenset):
        return {masked_in(item) for item in value}
    return value


def masked_model(model: Model) -> Model:
    """The model with every text in it masked; itself where it holds no secret."""
    plain = model.model_dump()
    masked = masked_in(plain)
    return model if masked == plain else type(model).model_validate(masked)


def masked_error(error: Failure) -> Failure | Exception:
    """The error, its notes and what caused it, without secrets.

    The very same error wherever that can be; another one, with its name in the
    message and its traceback, where its text is not to be changed.
    """
    seen: set[int] = set()
    for each in _chain(error, seen):
        _mask_attributes(each)
        for name in ("__cause__", "__context__"):
            other = getattr(each, name)
            if other is not None and not _is_clean(other):
                _mask_attributes(other)
                if not _is_clean(other):
                    setattr(each, name, _stand_in(other))
    return error if _is_clean(error) else _stand_in(error)


def secrets_of(environment: Mapping[str, str]) -> Iterator[str]:
    """The values of an environment that no message may have in it."""
    for name, value in environment.items():
        if name.startswith("DATABASE_URL"):
            yield from url_secrets(value.strip())
        elif _REPLICAS.fullmatch(name):
            yield from replica_secrets(value)
        elif name == "PGPASSWORD":
            yield value
        elif name.startswith(_PREFIXES):
            if any(word in name for word in _SECRET_NAMES):
                yield value
            if "://" in value:
                yield from _url_passwords(value)


def replica_secrets(text: str) -> Iterator[str]:
    """The passwords of several connection strings.

    Of whole lines as well: a space that is not encoded cuts a password in two.
    """
    for string in (*connection_strings(text), *map(str.strip, text.splitlines())):
        yield from url_secrets(string)


def url_secrets(url: str) -> Iterator[str]:
    """A connection string's passwords, and itself where it has one."""
    if "://" in url:
        passwords = set(_url_passwords(url))
    else:
        passwords = {quoted or plain for quoted, plain in _KEY_VALUE.findall(url)}
        passwords |= {_ESCAPED.sub(r"\1", password) for password in passwords}
    passwords.discard("")
    yield from passwords
    if passwords:
        yield url


def _url_passwords(url: str) -> Iterator[str]:
    # Read by hand: urlsplit refuses some URLs that libpq accepts, and a password
    # must be hidden even when the rest of the URL is wrong.
    rest = url.partition("://")[2]
    authority, _, query = rest.partition("?")
    # An @ behind the ? may still belong to the password: rather too much is hidden.
    logins = (authority.rpartition("@")[0], rest.rpartition("@")[0])
    found = {login.partition(":")[2] for login in logins}
    found |= set(_PARAMETER.findall(query))
    for password in found - {""}:
        yield password
        yield unquote(password)


def _finder_of(secrets: set[str]) -> re.Pattern[str]:
    spellings = {found for secret in secrets for found in _spellings(secret)}
    # The longest first: one secret may be the beginning of another.
    longest_first = sorted(spellings, key=len, reverse=True)
    return re.compile("|".join(_pattern(spelling) for spelling in longest_first))


def _pattern(spelling: str) -> str:
    text = re.escape(spelling)
    if len(spelling) >= LONG:
        return text
    return rf"(?<![^\W_]){text}(?![^\W_])"


def _spellings(secret: str) -> set[str]:
    """As it is, and as URLs, JSON, Python, SQL, HTML and headers write it."""
    encoded = {quote(secret, safe=safe) for safe in ("", "/", "/:@!$&'()*+,;=")}
    encoded |= {quote_plus(secret)}
    encoded |= {re.sub("%..", lambda m: m[0].lower(), each) for each in encoded}
    raw = secret.encode("utf-8", "surrogateescape")
    found = {
        secret,
        *encoded,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        ascii(secret)[1:-1],
        repr(raw)[2:-1],
        secret.replace("'", "''"),
        secret.replace("\\", "\\\\"),
        secret.replace("\\", "\\\\").replace("'", "\\'"),
        secret.replace("\\", "\\\\").replace("'", "''"),
        html.escape(secret),
        html.escape(secret, quote=False),
    }
    if len(secret) >= LONG:
        coded = base64.b64encode(raw).decode().rstrip("=")
        found |= {coded, coded.replace("+", "-").replace("/", "_")}
    # A message that quotes a quoted message.
    found |= {repr(each)[1:-1] for each in found}
    return {each for each in found if len(each) >= SHORTEST}


def _chain(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    """The error and everything that led to it, what led to it first."""
    if id(error) in seen:
        return
    seen.add(id(error))
    causes = [error.__cause__, error.__context__]
    if isinstance(error, BaseExceptionGroup):
        causes += error.exceptions
    for cause in causes:
        if cause is not None:
            yield from _chain(cause, seen)
    yield error


def _mask_attributes(error: BaseException) -> None:
    if _is_clean(error):
        return
    error.args = tuple(masked_in(part) for part in error.args)
    for name, value in vars(error).items():
        if isinstance(value, str | list | tuple):
            setattr(error, name, masked_in(value))


def _is_clean(error: BaseException) -> bool:
    texts = (str(error), repr(error), *getattr(error, "__notes__", ()))
    return all(mask(text) == text for text in texts)


def _stand_in(error: BaseException) -> Exception:
    stand_in = RuntimeError(mask(f"{type(error).__name__}: {error}"))
    stand_in.__traceback__ = error.__traceback__
    stand_in.__cause__, stand_in.__context__ = error.__cause__, error.__context__
    stand_in.__suppress_context__ = error.__suppress_context__
    return stand_in
