"""Variables of the environment, read one by one, with all that is wrong noted."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from album_operator.domain.collectors import (
    Collector,
    CollectorVariablesError,
    read_collector,
)
from album_operator.domain.hosts import HostAliases, find_faults
from album_operator.domain.proxies import DIRECTLY, Proxies, ProxyVariablesError, read_proxies
from album_operator.domain.quantities import amount_of

SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
BYTES = re.compile(r"[0-9]{1,15}")
COUNT = re.compile(r"[0-9]{1,4}")
PORT = re.compile(r"[0-9]{1,5}")
NAME = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
HOME = re.compile(rf"{NAME.pattern}(/[A-Za-z0-9._~-]+)*")
OBJECT = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Variables:
    """Reads variables and collects what is wrong with them.

    Args:
        environment: such as `os.environ`.

    Attributes:
        faults: what is wrong, as sentences without a full stop.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """Read a text that must be there."""
        value = self._environment.get(name, "").strip() or default
        if not value:
            self.faults.append(f"{name} is not set")
        return value

    def words(self, name: str, default: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        """Read words by commas, each of which must match."""
        value = self._environment.get(name, default)
        words = tuple(word.strip() for word in value.split(",") if word.strip())
        for word in words:
            if not pattern.fullmatch(word):
                self.faults.append(f"{name}: `{word}` is not of the form {pattern.pattern}")
        return words

    def aliases(self, name: str) -> HostAliases:
        """Read `host[:port]=host[:port][/path]` by commas, the name that counts on the right."""
        pairs = []
        for word in self.words(name, "", re.compile(r".+")):
            alias, equals, home = word.partition("=")
            if equals and NAME.fullmatch(alias) and HOME.fullmatch(home):
                host, slash, path = home.partition("/")
                pairs.append((alias.lower(), f"{host.lower()}{slash}{path}"))
            else:
                form = "host[:port]=host[:port][/path], the name that counts on the right"
                self.faults.append(f"{name}: `{word}` is not of the form {form}")
        self.faults.extend(f"{name}: {fault}" for fault in find_faults(pairs))
        return HostAliases(dict(pairs))

    def parsed(self, name: str, default: str, parse: Callable[[str], T | None], form: str) -> T:
        """Read a value; the default's is given in place of one that is noted as wrong.

        Args:
            name: of the variable.
            default: what counts where it is not set.
            parse: gives None for what is wrong; not for the default.
            form: what a right value is, as `a TCP port`.
        """
        value = self._environment.get(name, "").strip() or default
        result = parse(value)
        if result is None:
            self.faults.append(f"{name}: `{value}` is not {form}")
            result = parse(default)
        if result is None:
            raise ValueError(f"{name}: the default {default} is not {form}")
        return result

    def is_set(self, name: str) -> bool:
        """Tell whether a variable has a value, be it wrong."""
        return self._environment.get(name, "").strip() != ""

    def optional(self, name: str, parse: Callable[[str], T | None], form: str) -> T | None:
        """Read a value that may be left out; None too for one that is noted as wrong."""
        value = self._environment.get(name, "").strip()
        result = parse(value) if value else None
        if value and result is None:
            self.faults.append(f"{name}: `{value}` is not {form}")
        return result

    def boolean(self, name: str, *, default: bool) -> bool:
        """Read `true` or `false`."""
        return self.parsed(name, str(default).lower(), as_boolean, "true or false")

    def choice(self, name: str, default: E) -> E:
        """Read one of a few words."""
        kind = type(default)
        known = {str(member): member for member in kind}
        return self.parsed(name, str(default), known.get, f"one of {', '.join(known)}")

    def time(self, name: str, default: str) -> timedelta:
        """Read a number of seconds above 0."""
        return self.parsed(name, default, as_seconds, "a number of seconds above 0")

    def size(self, name: str, default: str) -> int:
        """Read a number of bytes above 0."""
        return self.parsed(name, default, as_size, "a number of bytes above 0")

    def proxies(self, secret: str | None) -> Proxies:
        """Read the proxy, whose password no Job may show.

        Args:
            secret: name of the Secret that Jobs have theirs from.
        """
        try:
            proxies = read_proxies(self._environment)
        except ProxyVariablesError as error:
            self.faults.append(str(error))
            return DIRECTLY
        if proxies.proxy is not None and proxies.proxy.username and secret is None:
            self.faults.append(
                "HTTPS_PROXY holds a user, whom build Jobs would show to whoever may read them: "
                "name in ALBUM_BUILD_PROXY_SECRET a Secret of their namespaces that has its own "
                "HTTPS_PROXY"
            )
        return proxies

    def collector(self) -> Collector | None:
        """Read where traces are sent; None for nowhere."""
        try:
            return read_collector(self._environment)
        except CollectorVariablesError as error:
            self.faults.append(str(error))
            return None

    def amounts(self, name: str, default: Mapping[str, str]) -> Mapping[str, str]:
        """Read amounts of the resources that have a default, or of some of them."""
        text = ",".join(f"{resource}={amount}" for resource, amount in default.items())

        def parse(value: str) -> Mapping[str, str] | None:
            pairs = [pair.strip().partition("=") for pair in value.split(",")]
            found = {resource: amount for resource, _, amount in pairs}
            is_right = len(found) == len(pairs) and found.keys() <= default.keys()
            return found if is_right and all(map(_is_amount, found.values())) else None

        return self.parsed(name, text, parse, f"of the form {text}, or a part of it")


def _is_amount(text: str) -> bool:
    try:
        return amount_of(text) > 0
    except ValueError:
        return False


def as_boolean(text: str) -> bool | None:
    """Read `true` or `false`."""
    return {"true": True, "false": False}.get(text.lower())


def as_seconds(text: str) -> timedelta | None:
    """Read a time above 0."""
    if not SECONDS.fullmatch(text) or float(text) <= 0:
        return None
    return timedelta(seconds=float(text))


def as_path(text: str) -> Path | None:
    """Read the path of a file or folder."""
    return Path(text) if Path(text).is_absolute() else None


def as_object_name(text: str) -> str | None:
    """Read the name of an object of the cluster."""
    return text if OBJECT.fullmatch(text) else None


def as_size(text: str) -> int | None:
    """Read a size above 0."""
    return int(text) if BYTES.fullmatch(text) and int(text) > 0 else None


def as_count(text: str) -> int | None:
    """Read a number above 0."""
    return int(text) if COUNT.fullmatch(text) and int(text) > 0 else None


def as_ip_address(text: str) -> str | None:
    """Read an IP address of either version."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def as_port(text: str) -> int | None:
    """Read a TCP port."""
    return int(text) if PORT.fullmatch(text) and 0 < int(text) < 65536 else None
