"""Behind a proxy and with an authority of the company's own, against real git and forges."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from album_operator.adapters import forge_failures
from album_operator.adapters.git import git
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.adapters.github.pull_requests import GitHubPullRequests
from album_operator.adapters.servers.authorities import trusting
from album_operator.adapters.servers.breakers import FAILURES
from album_operator.adapters.servers.gateway import Gateway
from album_operator.domain.errors import (
    NoConnectionError,
    OutsideError,
    TerminalError,
    TransientError,
)
from album_operator.domain.forges import ForgeType
from album_operator.domain.names import repository_path
from album_operator.domain.places import Change, Credential, ForgePlace, GitPlace
from album_operator.domain.proxies import Proxies, read_proxies
from album_operator.domain.reasons import Reason
from album_operator.fetch_source.source import fetch
from album_operator.fetch_source.task import Task
from testbed.github.server import GitHubServer
from tests.cli.command import album
from tests.contract.company_network import Company, company_network
from tests.contract.gitea_stage import GiteaStage
from tests.contract.github_stage import OWNER
from tests.contract.test_fetch_source import FILES, TAG, run
from tests.fakes.git_history import Commit, File
from tests.listening import listening

NAME, HUB = "git.company.test", "hub.company.test"

PASSWORD = "canary/p@ss"

DEAD = "127.0.0.1:9"
"""Port 9 (discard) has no listener and is below those handed out to others."""

Forge = GiteaPullRequests | GitHubPullRequests


@dataclass(frozen=True)
class Office:
    """A repository of each forge, as the company's network knows them.

    Attributes:
        head: of branch `main` of the first.
    """

    company: Company
    place: GitPlace
    gitea: ForgePlace
    github: ForgePlace
    head: str

    @property
    def proxies(self) -> Proxies:
        return read_proxies({"HTTPS_PROXY": self.company.secret_url})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which names this process looks up itself."""
    names: list[str] = []
    look_up = socket.getaddrinfo

    def note(host: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - of socket
        names.append(host)
        return look_up(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", note)
    return names


@pytest_asyncio.fixture
async def office(
    gitea_stage: GiteaStage,
    github: GitHubServer,
    name: str,
    tmp_path: Path,
) -> AsyncIterator[Office]:
    local = gitea_stage.make_repository(name)
    head = gitea_stage.store(local, Commit((), FILES | {"values.yaml": File(b"tag: v1.0.0\n")}))
    gitea_stage.set_branches(local, {"main": head})
    gitea_stage.set_tag(local, TAG, head)
    github.make_repository(f"{OWNER}/{name}", private=True)
    credential = replace(local.credential, url=f"https://{NAME}")
    hub = Credential("album-hub", f"https://{HUB}", "x", github.make_token(OWNER))
    path = repository_path(local.url)
    servers = {NAME: gitea_stage.server.host, HUB: github.url.removeprefix("http://")}
    with company_network(tmp_path, servers) as company:
        company.password = PASSWORD
        yield Office(
            company,
            GitPlace(f"https://{NAME}/{path}", credential),
            ForgePlace(f"https://{NAME}/api/v1", path, credential),
            ForgePlace(f"https://{HUB}/api/v3", f"{OWNER}/{name}", hub, ForgeType.GITHUB),
            head,
        )


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """A network without a server."""
    with company_network(tmp_path, {}) as made:
        made.password = PASSWORD
        yield made


def somewhere(url: str) -> GitPlace:
    return GitPlace(url, Credential("album-git", url, "x", "some-token"))


@contextmanager
def configs(folder: Path, proxies: Proxies) -> Iterator[GitConfigRepository]:
    gateway = Gateway(git.SHARES, Reason.GIT_UNAVAILABLE, proxies=proxies)
    made = GitConfigRepository([], gateway=gateway, cache_folder=folder / "own-cache")
    try:
        yield made
    finally:
        made.close()


def forges(proxies: Proxies, **options: Any) -> dict[ForgeType, Forge]:  # noqa: ANN401
    def gateway() -> Gateway:
        return Gateway(forge_failures.SHARES, Reason.FORGE_UNAVAILABLE, proxies=proxies)

    return {
        ForgeType.GITEA: GiteaPullRequests([], gateway=gateway(), **options),
        ForgeType.GITHUB: GitHubPullRequests([], gateway=gateway(), **options),
    }


async def test_git_reads_and_pushes_through_a_proxy_that_sees_tls_alone(
    office: Office, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What our own process was started with has no say.
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, NAME)
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, f"http://{DEAD}")
    with trusting(office.company.ca_file), configs(tmp_path, office.proxies) as config:
        seen = await config.look(office.place, "main", ["values.yaml"], None)
        change = Change(
            base_commit=office.head,
            branch="release/x",
            files={"values.yaml": b"tag: v1.1.0\n"},
            message="x",
            author_name="x",
            author_email="x@example.org",
            date=datetime(2026, 1, 1, tzinfo=UTC),
        )
        pushed = await config.push(office.place, change)
        again = await config.look(office.place, "main", ["values.yaml"], "release/x")
    assert seen.files == {"values.yaml": b"tag: v1.0.0\n"}
    assert again.branch is not None
    assert again.branch.commit == pushed
    _check_secrecy(office, asked)


async def test_forges_are_asked_through_a_proxy_that_sees_tls_alone(
    office: Office, asked: list[str]
) -> None:
    with trusting(office.company.ca_file):
        for kind, forge in forges(office.proxies).items():
            place = office.github if kind is ForgeType.GITHUB else office.gitea
            assert (await forge.get_repository(place)).may_push
            assert await forge.find(place, "release/x", "main") is None
            await forge.close()
    assert set(office.company.connects) == {f"{NAME}:443", f"{HUB}:443"}
    _check_secrecy(office, asked)


def _check_secrecy(office: Office, asked: list[str]) -> None:
    company = office.company
    assert {connect.partition(":")[0] for connect in company.connects} <= {NAME, HUB}
    assert company.connects
    assert company.odd == []
    # A ClientHello, and nothing that is no TLS after it (RFC 8446, section 5.1).
    assert company.carried.startswith(b"\x16\x03")
    for place in (office.gitea, office.github):
        assert place.credential.token.encode() not in company.carried
    assert not {NAME, HUB} & set(asked)


async def test_an_authority_nobody_named_is_trusted_by_no_client(
    office: Office, tmp_path: Path
) -> None:
    for kind, forge in forges(office.proxies).items():
        place = office.github if kind is ForgeType.GITHUB else office.gitea
        with pytest.raises(TransientError, match="certificate verify failed"):
            await forge.get_repository(place)
        await forge.close()
    with configs(tmp_path, office.proxies) as config, pytest.raises(TransientError) as caught:
        await config.look(office.place, "main", [], None)
    assert "server certificate verification failed" in caught.value.sentence


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (403, "answered CONNECT with 403: it does not let the operator there"),
        (407, "answered CONNECT with 407: it wants another user or password than HTTPS_PROXY has"),
        (502, "answered CONNECT with 502: it cannot get there, or NO_PROXY lacks the host"),
    ],
)
async def test_what_a_proxy_refuses_is_told_as_its_word_by_each_client(
    company: Company, tmp_path: Path, answer: int, said: str
) -> None:
    company.answer = answer
    proxies = read_proxies({"HTTPS_PROXY": company.secret_url})
    place = somewhere(f"https://{NAME}/o/n")
    told = []
    with configs(tmp_path, proxies) as config:
        with pytest.raises(TransientError) as caught:
            await config.look(place, "main", [], None)
        told.append(caught.value.sentence)
    for kind, forge in forges(proxies).items():
        credential = replace(place.credential, url=f"https://{NAME}")
        with pytest.raises(TransientError) as caught:
            await forge.get_repository(ForgePlace(f"https://{NAME}/api", "o/n", credential, kind))
        told.append(caught.value.sentence)
        await forge.close()
    for sentence in told:
        assert f"its proxy {company.url.removeprefix('http://')} {said}." in sentence
        assert "canary" not in sentence


async def test_a_wrong_password_is_told_and_never_said(company: Company, tmp_path: Path) -> None:
    proxies = read_proxies({"HTTPS_PROXY": company.url.replace("//", "//ann:other-canary@")})
    with configs(tmp_path, proxies) as config, pytest.raises(TransientError) as caught:
        await config.look(somewhere(f"https://{NAME}/o/n"), "main", [], None)
    assert "answered CONNECT with 407" in caught.value.sentence
    assert "canary" not in caught.value.sentence


async def test_a_proxy_that_takes_no_connection_is_named_and_not_the_server_blamed(
    tmp_path: Path,
) -> None:
    place = somewhere(f"https://{NAME}/o/n")
    with configs(tmp_path, read_proxies({"HTTPS_PROXY": f"http://{DEAD}"})) as config:
        with pytest.raises(NoConnectionError) as caught:
            await config.look(place, "main", [], None)
        assert caught.value.sentence.startswith(
            f"{NAME}:443 cannot be reached: its proxy {DEAD} cannot be reached: it takes no "
            "connection: "
        )
        for _ in range(FAILURES):
            with pytest.raises(TransientError) as later:
                await config.look(place, "main", [], None)
        assert f"{NAME}:443 has not answered since" in later.value.sentence
        assert f"(its proxy {DEAD} cannot be reached: " in later.value.sentence


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/o/n",
        "https://[fd00:ec2::254]/o/n",
        "https://0x7f.1/o/n",
        "https://127.0.0.1/o/n",
        "https://gitea.gitea.svc/o/n",
        "https://gitea.gitea.svc.cluster.local/o/n",
    ],
)
async def test_hosts_of_node_and_cluster_are_refused_before_the_proxy_is_asked(
    company: Company, tmp_path: Path, url: str
) -> None:
    proxies = read_proxies({"HTTPS_PROXY": company.secret_url})
    with configs(tmp_path, proxies) as config, pytest.raises(TerminalError) as caught:
        await config.look(somewhere(url), "main", [], None)
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert company.connects == []


async def test_a_host_of_no_proxy_is_looked_at_as_without_a_proxy(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, *rest, **_named: look_up("127.0.0.1", *rest)
    )
    proxies = read_proxies({"HTTPS_PROXY": company.secret_url, "NO_PROXY": ".company.test"})
    with configs(tmp_path, proxies) as config, pytest.raises(TerminalError) as caught:
        await config.look(somewhere(f"https://{NAME}/o/n"), "main", [], None)
    assert caught.value.reason is Reason.HOST_NOT_ALLOWED
    assert company.connects == []


async def test_plain_http_that_an_admin_has_listed_goes_past_the_proxy(
    office: Office, gitea_stage: GiteaStage, tmp_path: Path
) -> None:
    local = replace(
        office.place,
        url=f"{gitea_stage.server.url}/{repository_path(office.place.url)}",
        credential=replace(office.place.credential, url=gitea_stage.server.url),
    )
    gateway = Gateway(git.SHARES, Reason.GIT_UNAVAILABLE, proxies=office.proxies)
    config = GitConfigRepository(
        [gitea_stage.server.host], gateway=gateway, cache_folder=tmp_path / "own-cache"
    )
    seen = await config.look(local, "main", ["values.yaml"], None)
    config.close()
    assert seen.files == {"values.yaml": b"tag: v1.0.0\n"}
    assert office.company.connects == []


async def test_no_server_is_told_the_password_of_the_proxy(tmp_path: Path) -> None:
    heads: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    place = somewhere(f"https://{NAME}/o/n")
    credential = replace(place.credential, url=f"https://{NAME}")
    async with listening(refuse) as host:
        with company_network(tmp_path, {NAME: host}) as company, trusting(company.ca_file):
            company.password = PASSWORD
            proxies = read_proxies({"HTTPS_PROXY": company.secret_url})
            with configs(tmp_path, proxies) as config, pytest.raises(OutsideError):
                await config.look(place, "main", [], None)
            for kind, forge in forges(proxies).items():
                with pytest.raises(OutsideError):
                    await forge.get_repository(
                        ForgePlace(f"https://{NAME}/api/v1", "o/n", credential, kind)
                    )
                await forge.close()
    assert {head.split(b" ")[1].split(b"/")[1] for head in heads} == {b"o", b"api"}
    assert [head for head in heads if b"proxy-" in head.lower()] == []


async def test_an_answer_that_does_not_come_through_the_proxy_is_given_up_in_time(
    tmp_path: Path,
) -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        # Until the other end has given up.
        await reader.read()

    credential = Credential("album-hub", f"https://{HUB}", "x", "some-token")
    place = ForgePlace(f"https://{HUB}/api/v3", "o/n", credential, ForgeType.GITHUB)
    async with listening(stall) as host:
        with company_network(tmp_path, {HUB: host}) as company, trusting(company.ca_file):
            proxies = read_proxies({"HTTPS_PROXY": company.url})
            forge = forges(proxies, time_limit=timedelta(seconds=1))[ForgeType.GITHUB]
            with pytest.raises(TransientError, match="did not come in time"):
                await forge.get_repository(place)
            await forge.close()


async def test_the_init_container_fetches_through_the_proxy(office: Office, tmp_path: Path) -> None:
    variables = {
        "HTTPS_PROXY": office.company.secret_url,
        "ALBUM_CA_FILE": str(office.company.ca_file),
        "TMPDIR": str(tmp_path),
        "ALBUM_ALLOWED_HOSTS": "",
    }
    ended = await asyncio.to_thread(
        run, office.place, office.head, tmp_path / "target", **variables
    )
    assert (ended.status, ended.err) == (0, "")
    assert (tmp_path / "target" / "backend" / "Dockerfile").read_bytes() == b"FROM scratch\n"
    assert set(office.company.connects) == {f"{NAME}:443"}


def test_the_init_container_says_which_config_map_lacks(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "ca.crt"
    ended = run(
        somewhere(f"https://{NAME}/o/n"),
        "0" * 40,
        tmp_path / "target",
        ALBUM_CA_FILE=str(missing),
        ALBUM_BUILD_CA_CONFIGMAP="company-ca",
    )
    assert ended.status == 1
    assert ended.err == (
        "ConfigMap company-ca of the release's namespace gives no authorities: "
        f"{missing}: No such file or directory. Put them into its key `ca.crt` as PEM, or have the "
        "operator's ALBUM_BUILD_CA_CONFIGMAP corrected, then set the annotation "
        "album.dev/retry.\n"
    )


@pytest.mark.parametrize("answer", [502, 407])
async def test_the_init_container_says_what_its_proxy_refuses_and_no_password(
    company: Company, tmp_path: Path, answer: int
) -> None:
    company.answer = answer
    task = Task(
        somewhere(f"https://{NAME}/o/n"), "0" * 40, TAG, tmp_path / "target", frozenset(),
        proxies=read_proxies({"HTTPS_PROXY": company.secret_url}),
    )  # fmt: skip
    with pytest.raises(TransientError) as caught:
        await asyncio.to_thread(fetch, task, lambda _: None)
    assert f"answered CONNECT with {answer}" in caught.value.sentence
    assert "canary" not in caught.value.sentence


async def test_a_plan_is_made_through_the_proxy_of_the_user(office: Office, tmp_path: Path) -> None:
    variables = {
        "ALBUM_GIT_TOKEN": office.place.credential.token,
        "GIT_SSL_CAINFO": str(office.company.ca_file),
        "https_proxy": office.company.secret_url,
    }

    def plan() -> Any:  # noqa: ANN401
        return album(
            "plan", "--tag", "values-v1.1.0", "--source", "https://git.example.org/o/n",
            "--config-repo", office.place.url, cwd=tmp_path, variables=variables,
        )  # fmt: skip

    ended = await asyncio.to_thread(plan)
    assert "values/values.yaml" in ended.err
    assert set(office.company.connects) == {f"{NAME}:443"}
