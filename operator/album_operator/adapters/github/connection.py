"""PyGithub's connection, made safe: it follows no redirect and reads no endless answer.

PyGithub itself follows a 301 (with the path alone: query and method of the request are lost) and
asks a GET that was answered 202 again without end. Here a redirect is an answer like any other.
"""

import re
import ssl
from collections.abc import Collection, ItemsView
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester
from github.Requester import RequestsResponse as PyGithubResponse

from album_operator.adapters.github.line import Late, Line
from album_operator.adapters.servers.addresses import check_peer
from album_operator.adapters.servers.tunnels import refused_by
from album_operator.codec.foreign_json import BYTES
from album_operator.domain.proxies import Proxy

NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?")

LOCATION = "x-album-location"
"""Header under which the target of a redirect is passed on, for PyGithub follows `location`."""


TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3})")
"""Of `http.client`."""


class TunnelError(requests.exceptions.ProxyError):
    """A proxy did not connect to the server; the message says why."""


class OddAnswerError(requests.RequestException):
    """The answer is nothing this API gives."""


class _Response(PyGithubResponse):
    def __init__(self, response: requests.Response, late: Late) -> None:
        super().__init__(response)
        self._late = late
        if response.status_code == 202 and response.request.method == "GET":
            response.close()
            raise OddAnswerError("HTTP status 202 was not expected")

    def getheaders(self) -> ItemsView[str, str]:
        headers = {name.lower(): value for name, value in self.response.headers.items()}
        if "location" in headers:
            headers[LOCATION] = headers.pop("location")
        # PyGithub takes these for numbers without looking.
        for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"):
            if not NUMBER.fullmatch(headers.get(name, "0")):
                del headers[name]
        return headers.items()

    def read(self) -> str:
        data = bytearray()
        with self.response, self._late:
            for chunk in self.response.iter_content(64 * 1024):
                data += chunk
                # What is compressed counts as what comes out.
                if len(data) > BYTES:
                    raise OddAnswerError(f"the answer has more than {BYTES} bytes")
        return data.decode("utf-8", errors="replace")


class _Sending:
    """What both kinds of connection have in common; comes before PyGithub's class."""

    def __init__(
        self, netloc: str, timeout: int, listed: Collection[str], proxy: Proxy | None
    ) -> None:
        self._netloc = netloc
        self._proxy = proxy
        authority = ssl.get_default_verify_paths().cafile
        super().__init__(netloc, timeout=timeout, verify=authority or True)  # type: ignore[call-arg]
        # As everywhere in the operator: no proxy but the gateway's, no .netrc of the environment.
        self.session: requests.Session
        self.session.trust_env = False
        self.session.auth = Requester.noopAuth
        # An admin's proxy may be anywhere, and is all that is connected to where there is one.
        self._line = Line() if proxy is not None else Line(partial(check_peer, listed=listed))
        if proxy is not None:
            self.session.proxies = {"https": proxy.secret_url}
        for scheme in ("http", "https"):
            self._line.follow(self.session.get_adapter(f"{scheme}://"), proxy)

    def getresponse(self) -> Any:  # noqa: ANN401 - PyGithub's two classes
        sent: Any = self
        late = Late(self._line, sent.timeout)
        with late.unless_answered():
            try:
                response = self.session.request(
                    sent.verb,
                    f"{sent.protocol}://{self._netloc}{sent.url}",
                    headers=sent.headers,
                    data=sent.input,
                    timeout=sent.timeout,
                    verify=sent.verify,
                    allow_redirects=False,
                    stream=True,
                )
            except requests.exceptions.ProxyError as error:
                refusal = TUNNEL.search(str(error))
                if self._proxy is None or refusal is None:
                    raise
                raise TunnelError(refused_by(self._proxy, int(refusal[1]))) from error
            return _Response(response, late)

    def close(self) -> None:
        super().close()  # type: ignore[misc]
        self._line.close()


class HttpConnection(_Sending, HTTPRequestsConnectionClass):
    """A connection in plain HTTP."""


class HttpsConnection(_Sending, HTTPSRequestsConnectionClass):
    """A connection over TLS, its certificate always verified."""


Connection = HttpConnection | HttpsConnection


def connect(
    api_url: str, timeout: int, listed: Collection[str], proxy: Proxy | None = None
) -> Connection:
    """Make a connection to a forge's host; nothing is sent yet.

    Args:
        api_url: base URL of the API, with a scheme that was checked.
        timeout: longest a request may take, in seconds.
        listed: `host[:port]` that may be at an address of the node or the cluster.
        proxy: through which it is gone to; None: directly.
    """
    parts = urlsplit(api_url)
    kind = HttpsConnection if parts.scheme == "https" else HttpConnection
    return kind(parts.netloc, timeout, listed, proxy)
