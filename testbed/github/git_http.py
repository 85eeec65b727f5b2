"""Git over HTTP: `git http-backend` behind GitHub's credentials and redirects."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import re

from testbed.github import access, following
from testbed.github.access import Caller, Need
from testbed.github.errors import ApiError
from testbed.github.model import Repository
from testbed.github.site import LoggedRequest, Reply, Request, Site

PATH = re.compile(
    r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<rest>info/refs|git-(?:upload|receive)-pack)"
)

_READ = Need({"contents": "read"})
_WRITE = Need({"contents": "write"}, role="write", is_write=True)


class GitHttp:
    """Answers requests of git clients."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    async def answer(self, request: Request) -> Reply:
        """Answer a request whose path fits `PATH`."""
        caller = Caller()
        try:
            with self._world.lock:
                caller = self._find_caller(request)
                repository, rest = self._open(request, caller)
            reply = await self._run(repository, rest, request, caller)
            if rest == "git-receive-pack":
                with self._world.lock:
                    by = caller.require_user()
                    following.follow_git(self._world, repository, by)
        except ApiError as error:
            headers = {"Content-Type": "text/plain", **error.headers}
            reply = Reply(error.status, headers, error.message.encode())
        logged = LoggedRequest(request.method, request.path, reply.status, "git")
        self._site.requests.append(logged)
        return reply

    def _find_caller(self, request: Request) -> Caller:
        """Find out who sent a request; the token is the password of any user name."""
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return Caller()
        try:
            _, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        try:
            return access.find_caller(self._world, f"token {password}")
        except ApiError as error:
            raise _UnknownError("Invalid username or token.") from error

    def _open(self, request: Request, caller: Caller) -> tuple[Repository, str]:
        match = PATH.fullmatch(request.path)
        assert match is not None  # noqa: S101 - the caller looked
        rest = match["rest"]
        service = request.query.get("service", rest)
        repository = self._world.find_repository(match["name"])
        is_push = service == "git-receive-pack"
        if caller.token is None and (repository is None or repository.private or is_push):
            raise _UnknownError(
                "No anonymous write access." if is_push else "Repository not found."
            )
        if repository is None or not access.can_see(caller, repository):
            raise ApiError(404, "Repository not found.")
        if repository.full_name.lower() != match["name"].lower():
            url = f"{self._world.url}/{repository.full_name}.git/{rest}"
            query = f"?service={service}" if rest == "info/refs" else ""
            raise ApiError(301, "", headers={"Location": f"{url}{query}"})
        try:
            access.check(caller, repository, _WRITE if is_push else _READ)
        except ApiError as error:
            whom = caller.require_user().login
            said = (
                "This repository was archived so it is read-only."
                if repository.archived
                else f"Permission to {repository.full_name}.git denied to {whom}."
            )
            raise ApiError(403, said) from error
        return repository, rest

    async def _run(
        self, repository: Repository, rest: str, request: Request, caller: Caller
    ) -> Reply:
        """Run git's CGI program (RFC 3875)."""
        login = caller.user.login if caller.user is not None else ""
        binding = (each for each in repository.rulesets if login not in each.bypass)
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROJECT_ROOT": str(repository.git.path),
            "PATH_INFO": f"/{rest}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.method,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            "SIGNED_BRANCHES": " ".join(name for each in binding for name in each.branches),
        }
        process = await asyncio.create_subprocess_exec(
            *("git", "http-backend"),
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        said, _ = await process.communicate(request.body)
        head, _, data = said.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split(" ")[0])
        return Reply(status, headers, data)


class _UnknownError(ApiError):
    """The answer to credentials that are missing or wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(401, message, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
