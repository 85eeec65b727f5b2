"""What a credential shows a GitHub: its token, or tokens of a GitHub App that are made anew."""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import github.Auth
import github.Consts
import jwt
from github.InstallationAuthorization import InstallationAuthorization
from github.Requester import Requester

from album_operator.adapters.forge_answers import ODD, Answer
from album_operator.adapters.forge_failures import garbage, unavailable
from album_operator.adapters.servers.http_times import parse_date, time_of
from album_operator.domain.errors import OutsideError, TerminalError
from album_operator.domain.places import Credential, ForgePlace
from album_operator.domain.reasons import Reason

INSTALLATION_TOKEN = "ghs_"  # noqa: S105 - how such tokens begin
"""GitHub tells of no rights of such a token's user, because it has none."""

CLOCK = re.compile(r"issued at|expiration time", re.IGNORECASE)

TOKEN = re.compile(r"[!-~]{1,4096}")

Mint = Callable[[Requester, int], Mapping[str, Any]]
"""Asks for a token of an installation: gives a sane `token`, `expires_at` and `permissions`, and
for how many `seconds` it is good."""


RENEWED = timedelta(minutes=1)
"""How long before its end a token is shown no more."""


ONE_CLOCK = timedelta(seconds=10)
"""Two clocks that are no further apart are not what makes GitHub refuse."""


class AppAuth(github.Auth.AppAuth):
    """Signs as a GitHub App by the node's clock, or by GitHub's where that refused the node's.

    Attributes:
        ahead: seconds by which GitHub's clock is ahead of the node's, as far as it was followed.
    """

    ahead = 0

    def follow(self, answer: Answer) -> bool:
        """Take GitHub's clock from an answer that found ours wrong; tell whether that is news."""
        now = parse_date(answer.headers.get("date"))
        if not _is_refused_for_clock(answer) or now is None:
            return False
        ahead = int((now - datetime.now(UTC)).total_seconds())
        if abs(ahead - self.ahead) < ONE_CLOCK.total_seconds():
            return False
        self.ahead = ahead
        self._jwt_issued_at = ahead + github.Consts.DEFAULT_JWT_ISSUED_AT
        self._jwt_expiry = ahead + github.Consts.DEFAULT_JWT_EXPIRY
        return True


class InstallationAuth(github.Auth.AppInstallationAuth):
    """Tokens of an installation, asked for through the connection everything else goes through.

    Attributes:
        permissions: of the last token, such as `{"contents": "write"}`.
    """

    def __init__(self, app: github.Auth.AppAuth, installation_id: int, mint: Mint) -> None:
        super().__init__(app, installation_id)
        self._mint = mint
        self.permissions: Mapping[str, Any] = {}
        self._until = 0.0

    @property
    def _is_expired(self) -> bool:
        # PyGithub compares with the node's clock, which may step.
        return time.monotonic() >= self._until

    def _get_installation_authorization(self) -> InstallationAuthorization:
        raw = dict(self._mint(self.requester, self.installation_id))
        self.permissions = raw["permissions"]
        self._until = time.monotonic() + raw.pop("seconds") - RENEWED.total_seconds()
        return InstallationAuthorization(self.requester, {}, raw)


def make_auth(credential: Credential, mint: Mint) -> github.Auth.Auth:
    """Make what PyGithub signs requests with.

    Raises:
        TerminalError: `CredentialsMissing`: what the Secret has is no token, or no key.
    """
    if credential.token or credential.app is None:
        if TOKEN.fullmatch(credential.token):
            return github.Auth.Token(credential.token)
        raise TerminalError(
            Reason.CREDENTIALS_MISSING,
            f"Key `token` of Secret {credential.secret} is no token: it has other characters than "
            "printable ASCII.",
            "Correct it",
        )
    app = AppAuth(credential.app.app_id, credential.app.private_key)
    try:
        app.create_jwt()
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError):
        # `from None`: the text of such an error may quote the key.
        raise TerminalError(
            Reason.CREDENTIALS_MISSING,
            f"Key `privateKey` of Secret {credential.secret} is no RSA private key: it must be "
            "the whole PEM file that GitHub gave for the App.",
            "Correct it",
        ) from None
    return InstallationAuth(app, credential.app.installation_id, mint)


def parse_token(place: ForgePlace, answer: Answer) -> dict[str, Any]:
    """Read a token an installation was given.

    Raises:
        OutsideError: it was given none.
    """
    if answer.status != 201:
        raise _no_token(place, answer)
    try:
        token, permissions = answer.body["token"], dict(answer.body["permissions"])
        until = datetime.fromisoformat(answer.body["expires_at"]).astimezone(UTC)
        is_sane = TOKEN.fullmatch(token) is not None
    except ODD:
        is_sane = False
    if not is_sane:
        # Without a cause: its text may quote the token.
        raise garbage(place, "a token of a GitHub App is none") from None
    until_text = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "token": token,
        "permissions": permissions,
        "expires_at": until_text,
        "seconds": (until - time_of(answer.headers.get("date"))).total_seconds(),
    }


def _is_refused_for_clock(answer: Answer) -> bool:
    return answer.status == 401 and CLOCK.search(answer.said) is not None


def _no_token(place: ForgePlace, answer: Answer) -> OutsideError:
    secret = place.credential.secret
    if _is_refused_for_clock(answer):
        said = f"by its clock, what the GitHub App of Secret {secret} shows is not valid now"
        return unavailable(
            place, f"{said} ({answer.said}); correct the clock of the operator's node"
        )
    if answer.status in {401, 403, 404, 422}:
        return TerminalError(
            Reason.CREDENTIALS_REFUSED,
            f"{place.api_url} gave no token for the GitHub App of Secret {secret}: {answer.said}.",
            "Check its keys appID, installationID and privateKey, and that the App is installed "
            "there and not suspended",
        )
    return answer.refusal(place, "make tokens for")
