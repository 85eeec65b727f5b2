"""What reviewers read, and what must not be able to hide from them."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from album_operator.domain.release import PullRequestWish, Ref, Release
from album_operator.domain.resolved import Resolved
from album_operator.domain.seen import SourceCommit
from album_operator.render.pull_request import (
    COMMITS,
    History,
    commit_message,
    digest_in,
    draft,
    has_origin,
    is_same_message,
    origin_of,
    release_in,
)

DIGEST = "sha256:" + "ab" * 32
DIFF = '--- a/v\n+++ b/v\n@@ -1 +1 @@\n-tag: "v1.0.0"\n+tag: "v1.1.0"\n'


def test_the_commit_message_is_as_recorded(release: Release, resolved: Resolved) -> None:
    assert commit_message(release, resolved, DIGEST) == (
        "release: backend v1.1.0\n"
        "\n"
        f"Image: registry.example.org/owner/album-app-backend:v1.1.0@{DIGEST}\n"
        "Tag: backend-v1.1.0\n"
        "AlbumRelease: album/backend-v1.1.0\n"
        "AlbumOrigin: 68faf37caeac55b4531a\n"
        "\n"
        "Argocd-reference-commit-repourl: https://git.example.org/owner/album-app\n"
        "Argocd-reference-commit-sha: c0ffee0000000000000000000000000000000000\n"
    )


def _trailers(message: str) -> list[str]:
    git = shutil.which("git")
    assert git is not None
    command = [git, "interpret-trailers", "--parse"]
    done = subprocess.run(command, input=message, text=True, capture_output=True, check=True)
    return done.stdout.splitlines()


def test_git_reads_the_trailers(release: Release, resolved: Resolved) -> None:
    assert _trailers(commit_message(release, resolved, DIGEST)) == [
        "Argocd-reference-commit-repourl: https://git.example.org/owner/album-app",
        "Argocd-reference-commit-sha: c0ffee0000000000000000000000000000000000",
    ]


def test_a_text_of_a_user_cannot_become_a_trailer(release: Release, resolved: Resolved) -> None:
    source = replace(resolved.source, tag="v1\n\nSigned-off-by: somebody\n")
    message = commit_message(release, replace(resolved, source=source), DIGEST)
    assert "\nSigned-off-by" not in message


def test_without_a_digest_the_reference_is_the_tag(release: Release, resolved: Resolved) -> None:
    message = commit_message(release, resolved, "")
    assert "Image: registry.example.org/owner/album-app-backend:v1.1.0\n" in message


def test_the_pull_request_is_as_recorded(release: Release, resolved: Resolved) -> None:
    made = draft(release, resolved, DIGEST, DIFF)
    assert (made.head, made.base) == ("release/backend_v1.1.0", "main")
    assert made.title == "release: backend v1.1.0"
    assert made.body == (
        "owner/album-app backend release v1.1.0. Please note that this is an automated PR.\n"
        "\n"
        f"- Image: `registry.example.org/owner/album-app-backend:v1.1.0@{DIGEST}`\n"
        "- Source commit: [`c0ffee0000000000000000000000000000000000`]"
        "(https://git.example.org/owner/album-app/commit/c0ffee0000000000000000000000000000000000)"
        " of `https://git.example.org/owner/album-app`\n"
        "- Tag: `backend-v1.1.0`\n"
        "- AlbumRelease: `album/backend-v1.1.0`\n"
        "\n"
        "The whole change:\n"
        "\n"
        f"```diff\n{DIFF}```\n"
    )


COMMIT = SourceCommit("d" * 40, "Ann", "Fix the *title*")


def test_the_commits_since_the_version_before_are_listed_with_links(
    release: Release, resolved: Resolved
) -> None:
    body = draft(release, resolved, DIGEST, DIFF, History("backend-v1.0.0", (COMMIT, COMMIT))).body
    page = "https://git.example.org/owner/album-app"
    listed = f"- [`{'d' * 40}`]({page}/commit/{'d' * 40}) Fix the \\*title\\* (Ann)\n"
    assert (
        "\nCommits of the source since [backend-v1.0.0]"
        f"({page}/compare/backend-v1.0.0...backend-v1.1.0):\n\n{listed * 2}\nThe whole change:"
    ) in body


def test_of_many_commits_the_newest_are_listed(release: Release, resolved: Resolved) -> None:
    many = History("backend-v1.0.0", (COMMIT,) * (COMMITS + 1))
    body = draft(release, resolved, DIGEST, DIFF, many).body
    assert body.count(f"/commit/{'d' * 40}") == COMMITS
    assert "- and more\n" in body


def test_a_version_of_the_same_commit_brings_none(release: Release, resolved: Resolved) -> None:
    body = draft(release, resolved, DIGEST, DIFF, History("backend-v1.0.0", ())).body
    assert "\nNo commits of the source since [backend-v1.0.0](" in body


def test_where_there_are_no_pages_nothing_is_linked(release: Release, resolved: Resolved) -> None:
    source = replace(resolved.source, repository="ssh://git@git.example.org/owner/album-app")
    over_ssh = replace(resolved, source=source)
    history = History("backend-v1.0.0", (COMMIT,))
    body = draft(release, over_ssh, DIGEST, DIFF, history).body
    assert "](" not in body
    assert f"since `backend-v1.0.0`:\n\n- `{'d' * 40}` Fix" in body


@pytest.mark.parametrize(
    "text", ["](http://evil.example.org)", "<img src=x>", "a\n\n# b", "`x`", "x" * 500]
)
def test_words_of_committers_stay_words(release: Release, resolved: Resolved, text: str) -> None:
    history = History("backend-v1.0.0", (SourceCommit("d" * 40, text, text),))
    body = draft(release, resolved, DIGEST, DIFF, history).body
    (line,) = (line for line in body.splitlines() if line.startswith(f"- [`{'d' * 40}`"))
    words = line.partition(f"/commit/{'d' * 40}) ")[2]
    assert not re.search(r"(?<!\\)[\[\]<>`#!]", words)
    assert len(words) < 600


@pytest.mark.parametrize(
    "diff", ["```\n# not a heading", "+````\n", "", "<script>\n", "a\r```\r\n", "`" * 40]
)
def test_the_diff_cannot_end_its_fence(release: Release, resolved: Resolved, diff: str) -> None:
    body = draft(release, resolved, DIGEST, diff).body
    *_, opening, rest = body.partition("The whole change:\n\n")[2].partition("diff\n")
    fence = body.rpartition("\n")[0].rpartition("\n")[2]
    assert opening == "diff\n"
    assert set(fence) == {"`"}
    assert len(fence) >= 3
    assert rest.endswith(f"\n{fence}\n") or rest == f"{fence}\n"
    assert fence not in diff
    assert body.count(fence) == 2


def test_names_cannot_leave_their_place(release: Release, resolved: Resolved) -> None:
    source = replace(resolved.source, tag="`x` <img src=x>\n# heading", repository="h://h/[a](b)")
    release = replace(release, ref=Ref("album", "a``b`"))
    body = draft(release, replace(resolved, source=source, app="<b>*x*"), DIGEST, DIFF).body
    assert body.startswith(r"\[a\]\(b\) \<b\>\*x\* release v1.1.0. Please")
    assert "- Tag: `` `x` <img src=x> # heading ``\n" in body
    assert "- AlbumRelease: ``` album/a``b` ```\n" in body


def _named(resolved: Resolved, message: str | None = None, **wish: str) -> Resolved:
    config = replace(
        resolved.config,
        commit_message=message,
        pull_request=PullRequestWish(**wish),  # type: ignore[arg-type]
    )
    pipeline = replace(resolved.pipeline, environment="prod")
    return replace(resolved, config=config, pipeline=pipeline)


def test_a_template_gives_title_and_first_words_and_the_facts_follow(
    release: Release, resolved: Resolved
) -> None:
    plain = draft(release, resolved, DIGEST, DIFF)
    words = "Rolls `${app}` out to **${environment}**.\n\n- [ ] watched\n\n"
    named = _named(resolved, title="${environment}: ${app} ${version}", body=words)

    made = draft(release, named, DIGEST, DIFF)

    assert made.title == "prod: backend v1.1.0"
    facts = plain.body.partition("automated PR.")[2]
    assert made.body == f"Rolls `backend` out to **prod**.\n\n- [ ] watched{facts}"


def test_a_template_gives_the_commit_its_words_and_not_its_trailers(
    release: Release, resolved: Resolved
) -> None:
    forged = "deploy(${app}): ${version}\n\nArgocd-reference-commit-sha: 1\n"

    message = commit_message(release, _named(resolved, forged), DIGEST)

    plain = commit_message(release, resolved, DIGEST)
    said = "deploy(backend): v1.1.0\n\nArgocd-reference-commit-sha: 1"
    assert message == said + plain.removeprefix("release: backend v1.1.0")
    assert _trailers(message) == _trailers(plain)


def test_a_value_begins_no_line_of_a_template(release: Release, resolved: Resolved) -> None:
    source = replace(resolved.source, tag="v1\n\nSigned-off-by: somebody")
    named = _named(replace(resolved, source=source), "at ${tag}", title="${tag}", body="${tag}")

    assert "\nSigned-off-by" not in commit_message(release, named, DIGEST)
    assert "\nSigned-off-by" not in draft(release, named, DIGEST, DIFF).body
    assert "\n" not in draft(release, named, DIGEST, DIFF).title


def test_the_digest_is_found_in_a_message_again(release: Release, resolved: Resolved) -> None:
    for template in (None, "to ${digest}", "of ${image}"):
        named = _named(resolved, template)
        assert digest_in(commit_message(release, named, DIGEST)) == DIGEST
        assert digest_in(commit_message(release, named, "")) == ""


def test_a_commits_message_names_its_release(release: Release, resolved: Resolved) -> None:
    message = commit_message(release, resolved, DIGEST)

    assert release_in(message) == release.ref
    assert release_in(f"Merge pull request #6\n\n{message}") == release.ref
    for said in ("", "AlbumRelease: a", "AlbumRelease: A/b", "AlbumRelease: a/b/c", "x: a/b"):
        assert release_in(said) is None


def test_reviewers_of_a_rollback_see_what_it_takes_back(
    release: Release, resolved: Resolved
) -> None:
    body = draft(replace(release, rollback_of="backend-v1.2.0"), resolved, DIGEST, DIFF).body

    assert "- Takes back: `album/backend-v1.2.0`\n" in body


def test_reviewers_see_who_asked_and_nobody_is_called_by_it(
    release: Release, resolved: Resolved
) -> None:
    body = draft(release, resolved, DIGEST, DIFF, requested_by="@ada `x`").body

    assert "- Requested by: `` @ada `x` ``\n" in body


def test_only_the_branch_of_the_very_pipeline_and_release_has_the_proof(
    release: Release, resolved: Resolved
) -> None:
    message, branch = commit_message(release, resolved, DIGEST), resolved.config.branch
    uid, other = resolved.pipeline.uid, Ref("album", "backend-v1.2.0")

    assert has_origin(message, origin_of(uid, release.ref, branch))
    for origin in (
        origin_of("another-cluster", release.ref, branch),
        origin_of(uid, other, branch),
        origin_of(uid, release.ref, "release/mine"),
    ):
        assert not has_origin(message, origin)


def test_a_message_is_ours_without_its_proof_or_with_that_of_an_earlier_pipeline(
    release: Release, resolved: Resolved
) -> None:
    ours = commit_message(release, resolved, DIGEST)
    lines = ours.splitlines()
    before = "\n".join(line for line in lines if not line.startswith("AlbumOrigin: "))
    again = commit_message(
        release, replace(resolved, pipeline=replace(resolved.pipeline, uid="new")), DIGEST
    )

    assert is_same_message(ours.strip(), ours)
    assert is_same_message(before, ours)
    assert is_same_message(again, ours)
    assert not is_same_message(commit_message(release, resolved, ""), ours)
