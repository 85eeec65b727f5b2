"""A Gitea that a proxy serves below a path: no field of the pipeline has to say so."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from album_operator.adapters.cluster.secrets import ClusterSecrets
from album_operator.adapters.git.config_repository import GitConfigRepository
from album_operator.adapters.gitea.pull_requests import GiteaPullRequests
from album_operator.codec.notices import parse_notices
from album_operator.decisions.conventions import resolve
from album_operator.domain.forges import ForgeType
from album_operator.domain.hosts import HostAliases
from album_operator.domain.names import is_same_repository
from album_operator.domain.notice import Notice
from album_operator.domain.places import Change, Draft
from album_operator.domain.pull_requests import PullRequestState
from album_operator.domain.resolved import Resolved
from album_operator.steps.access import Access
from tests.contract.git_stage import LOOPBACK
from tests.contract.gitea_server import ADMIN, GiteaServer, free_port, running_gitea
from tests.contract.gitea_stage import GiteaStage
from tests.contract.proxy import losing_proxy
from tests.fakes.builders import NAMESPACE, PIPELINE, RELEASE
from tests.fakes.cluster import FakeCluster, raw_secret
from tests.fakes.git_history import EPOCH, Commit, File

BELOW, VALUES, OURS = "/forge", "backend/values.yaml", "release/backend_v1.1.0"
BRANCH = {"name": OURS, "ref": OURS}


@pytest_asyncio.fixture
async def root(tmp_path: Path) -> AsyncIterator[tuple[str, GiteaServer]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}{BELOW}"
    (tmp_path / "gitea").mkdir()
    with running_gitea(tmp_path / "gitea", url) as server:
        async with losing_proxy(server.url, BELOW, port) as proxy:
            proxy.lose_next_write = False
            yield url, server


def _resolved(repository: str, api_url: str | None = None) -> Resolved:
    forge = replace(PIPELINE.config.forge, api_url=api_url)
    config = replace(PIPELINE.config, repository=repository, forge=forge)
    resolved = resolve(RELEASE, replace(PIPELINE, config=config))
    assert isinstance(resolved, Resolved)
    return resolved


def _notice(page: str) -> Notice:
    body = {"repository": {"html_url": page}, "pull_request": {"number": 1, "head": BRANCH}}
    [notice] = parse_notices(ForgeType.GITEA, "pull_request", body)
    assert isinstance(notice, Notice)
    return notice


@pytest.mark.parametrize("prefix", [BELOW, f"{BELOW}/{ADMIN}"])
async def test_a_release_goes_all_the_way_in_a_forge_below_a_path(
    root: tuple[str, GiteaServer], tmp_path: Path, prefix: str
) -> None:
    url, server = root
    stage = GiteaStage(server, tmp_path / "store")
    direct = stage.make_repository("config")
    base = stage.store(direct, Commit((), {VALUES: File(b"tag: v1.0.0\n")}))
    stage.set_branches(direct, {"main": base})

    host = url.removesuffix(BELOW)
    cluster = FakeCluster()
    cluster.apply(raw_secret("album-git", url=f"{host}{prefix}", token=server.token))
    resolved = _resolved(f"{url}/{ADMIN}/config.git")
    assert resolved.config.forge_url == f"{url}/api/v1"
    assert _resolved(f"{url}/{ADMIN}/config", f"{url}/api/v1/").config == resolved.config
    hosts = {host.removeprefix("http://")}
    config = GitConfigRepository(hosts, allowed_hosts=LOOPBACK)
    forge = GiteaPullRequests(hosts, allowed_hosts=LOOPBACK)
    access = Access(ClusterSecrets(cluster), forge, NAMESPACE)
    try:
        place, at = await access.to_config(resolved), await access.to_forge(resolved)
        seen = await config.look(place, None, [VALUES], None)
        assert seen.files == {VALUES: b"tag: v1.0.0\n"}
        files = {VALUES: b"tag: v1.1.0\n"}
        change = Change(base, OURS, files, "ours", "Ann", "a@example.org", EPOCH)
        head = await config.push(place, change)
        assert (await forge.get_repository(at)).may_push
        opened = await forge.open(at, Draft(OURS, "main", "release: backend v1.1.0", "It."))
        assert (opened.head_sha, opened.url) == (head, f"{url}/{ADMIN}/config/pulls/1")

        # It shows pages at the host it was asked at.
        ask = [replace(server, url=url), server]
        path = f"/repos/{ADMIN}/config"
        shown = [await asyncio.to_thread(each.do, "GET", path) for each in ask]
        outside, inside = (_notice(each["html_url"]) for each in shown)
        assert outside.concerns(opened.url, 1, OURS)
        assert not inside.concerns(opened.url, 1, OURS)
        aliases = HostAliases({server.host: url.removeprefix("http://")})
        assert inside.concerns(opened.url, 1, OURS, aliases)
        assert is_same_repository(direct.url, resolved.config.repository, aliases)
        stage.merge(direct, 1, "merge")
        assert (await forge.get(at, 1)).state is PullRequestState.MERGED
    finally:
        config.close()
        await forge.close()
        await stage.close()
