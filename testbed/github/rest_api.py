"""The REST API: from a request to its operation, through credentials and limits, to the answer."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from testbed.github import access, following, openapi
from testbed.github.access import Caller
from testbed.github.errors import ApiError, not_found
from testbed.github.model import Repository
from testbed.github.rest import ENDPOINTS
from testbed.github.rest.call import Answer, Call, Endpoint
from testbed.github.site import LoggedRequest, Reply, Request, Site

PREFIX = "/api/v3"

_BY_ID = re.compile(r"/repositories/(\d+)(/.*)?")
_BY_NAME = re.compile(r"/repos/([^/]+/[^/]+)(/.*)?")
_UNCOUNTED = "rate-limit/get"


@dataclass
class _Course:
    """What is found out about a request on its way."""

    caller: Caller
    endpoint: Endpoint | None = None
    operation: openapi.Operation | None = None
    is_admitted: bool = False


class RestApi:
    """Answers requests below `/api/v3`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        course = _Course(Caller())
        try:
            answer = self._answer(request, course)
        except ApiError as error:
            answer = Answer(error.status, error.body, error.headers)
        if course.operation is not None:
            for fault in course.operation.find_answer_faults(answer.status, answer.body):
                where = f"{request.method} {request.path}: {answer.status}"
                self._world.violations.append(f"answer to {where}: {fault}")
        return self._send(request, course, answer)

    def _answer(self, request: Request, course: _Course) -> Answer:
        course.caller = access.find_caller(self._world, request.headers.get("authorization"))
        request = self._resolve_id(request)
        match = self._find_operation(request)
        course.operation = match.operation
        course.endpoint = endpoint = self._find_endpoint(match.operation)
        self._admit(request, course, match.operation)
        repository = self._find_repository(request, course.caller)
        body = _read_json(request.body)
        faults = match.operation.find_request_faults(match.parameters, request.query, body)
        if faults:
            where = f"{request.method} {request.path}"
            self._world.violations += [f"{where}: {fault}" for fault in faults]
            raise ApiError(422, f"Invalid request.\n\n{faults[0]}")
        if repository is not None and endpoint.need is not None:
            access.check(course.caller, repository, endpoint.need)
            by = course.caller.user or repository.owner
            following.follow_git(self._world, repository, by)
        call = Call(
            self._world,
            self._site.limiter,
            course.caller,
            request.path,
            match.parameters,
            request.query,
            {} if body is None else body,
            repository,
        )
        return endpoint.answer(call)

    def _find_operation(self, request: Request) -> openapi.Match:
        match = openapi.load().find(request.method, request.path)
        if match is None:
            self._world.violations.append(f"GitHub has no {request.method} {request.path}")
            raise not_found()
        return match

    def _find_endpoint(self, operation: openapi.Operation) -> Endpoint:
        endpoint = ENDPOINTS.get(operation.name)
        if endpoint is None:
            lacking = f"the stand-in lacks {operation.name}"
            self._world.violations.append(lacking)
            raise ApiError(501, lacking)
        return endpoint

    def _resolve_id(self, request: Request) -> Request:
        """Turn the address by id, which redirects lead to, into the one by name."""
        match = _BY_ID.fullmatch(request.path)
        if match is None:
            return request
        repository = self._world.repositories.get(int(match[1]))
        if repository is None:
            raise not_found()
        return replace(request, path=f"/repos/{repository.full_name}{match[2] or ''}")

    def _find_repository(self, request: Request, caller: Caller) -> Repository | None:
        match = _BY_NAME.fullmatch(request.path)
        if match is None:
            return None
        repository = self._world.find_repository(match[1])
        if repository is None or not access.can_see(caller, repository):
            raise not_found()
        if repository.full_name.lower() != match[1].lower():
            url = f"{self._world.api_url}/repositories/{repository.id}{match[2] or ''}"
            raise _MovedError(url)
        return repository

    def _admit(self, request: Request, course: _Course, operation: openapi.Operation) -> None:
        if operation.name == _UNCOUNTED:
            return
        self._site.limiter.admit(
            course.caller.account,
            "core",
            self._world.clock.now(),
            points=1 if request.method in ("GET", "HEAD") else 5,
            creates_content=operation.creates_content,
        )
        course.is_admitted = True

    def _send(self, request: Request, course: _Course, answer: Answer) -> Reply:
        data = b"" if answer.body is None else json.dumps(answer.body).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-GitHub-Media-Type": "github.v3; format=json",
            **self._render_scopes(course),
        }
        status = answer.status
        if request.method == "GET" and status == 200:
            headers["ETag"] = _tag(course.caller, data)
            headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
            if headers["ETag"] == request.headers.get("if-none-match"):
                status, data = 304, b""
        account = course.caller.account
        # Who is refused for the rate uses up nothing, and an answer that is known is free.
        is_counted = course.is_admitted and status != 304
        if is_counted:
            self._site.limiter.count(account, "core", self._world.clock.now())
        headers |= self._site.render_limits(account, "core") | dict(answer.headers)
        operation = course.operation
        self._site.requests.append(
            LoggedRequest(
                request.method,
                f"{PREFIX}{request.path}",
                status,
                "" if operation is None else operation.name,
                is_counted,
                course.is_admitted and operation is not None and operation.creates_content,
                account,
            )
        )
        return Reply(status, headers, data)

    def _render_scopes(self, course: _Course) -> dict[str, str]:
        """Say what the token has and what it would have needed."""
        token = course.caller.token
        need = course.endpoint.need if course.endpoint is not None else None
        if token is None:
            return {}
        if token.scopes is None:
            return {"X-Accepted-GitHub-Permissions": need.accepted} if need is not None else {}
        return {
            "X-OAuth-Scopes": ", ".join(sorted(token.scopes)),
            "X-Accepted-OAuth-Scopes": "repo" if need is not None else "",
        }


class _MovedError(ApiError):
    """The answer for a repository that has another name now."""

    def __init__(self, url: str) -> None:
        super().__init__(301, "Moved Permanently", headers={"Location": url})
        self._url = url

    @property
    def body(self) -> dict[str, object]:
        return {"message": self.message, "url": self._url, **super().body}


def _tag(caller: Caller, data: bytes) -> str:
    """Make an entity tag; the same answer has another one for another token."""
    value = caller.token.value if caller.token is not None else ""
    return f'W/"{hashlib.sha256(value.encode() + data).hexdigest()}"'


def _read_json(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
