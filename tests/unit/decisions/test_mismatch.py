"""Why a change would never reach an Application is said as it is, with a way out."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from album_operator.decisions import application
from album_operator.decisions.mismatch import mismatch
from album_operator.domain.applications import ApplicationSeen, ApplicationSource
from album_operator.domain.reasons import Reason
from album_operator.domain.release import Ref
from album_operator.domain.verdict import Halt
from tests.fakes.builders import APPLICATION, APPLICATION_SEEN, CONFIG, RESOLVED


def _of(
    path: str = "backend",
    revision: str = "main",
    tool: str = "",
    names: Sequence[str] = (),
    place: str = "spec.source",
) -> ApplicationSeen:
    helm = {"valueFiles": list(names)}
    source = ApplicationSource(CONFIG, path, revision, tool=tool, helm=helm, place=place)
    return replace(APPLICATION_SEEN, sources=(source,))


def _tell(seen: ApplicationSeen) -> Halt:
    halt = mismatch(APPLICATION, seen, RESOLVED)
    assert halt.reason is Reason.APPLICATION_MISMATCH
    assert halt.message.startswith(f"Application {APPLICATION} ")
    assert halt.message.endswith(": the change would never reach it.")
    return halt


@pytest.mark.parametrize("revision", ["HEAD", ""])
def test_head_is_what_the_server_says_it_is(revision: str) -> None:
    seen = application.with_default_branch(_of(revision=revision), RESOLVED, "main")
    assert application.find_source(seen, RESOLVED) is not None

    seen = application.with_default_branch(_of(revision=revision), RESOLVED, "trunk")
    assert application.find_source(seen, RESOLVED) is None
    halt = _tell(seen)
    assert "follows HEAD (spec.source.targetRevision), which is branch trunk" in halt.message
    assert "goes into main" in halt.message
    assert "or spec.config.branch of the pipeline to trunk" in halt.remedy


def test_head_of_another_repository_is_not_asked_for() -> None:
    seen = replace(_of(), sources=(ApplicationSource("https://charts.example.org", "", "HEAD"),))
    assert application.with_default_branch(seen, RESOLVED, "trunk") == seen


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("a" * 40, f"stays at commit {'a' * 40}"),
        ("0123abc", "stays at commit 0123abc"),
        ("v1.0.0", "stays at v1.0.0 (spec.source.targetRevision), a tag by its form,"),
        ("1.0", "stays at 1.0 "),
        ("2024.11.03", "stays at 2024.11.03 "),
        ("refs/tags/stable", "stays at refs/tags/stable "),
        ("v1.*", "follows the newest tag of v1.* "),
        ("^1.2.0", "follows the newest tag of ^1.2.0 "),
        ("1.x", "follows the newest tag of 1.x "),
        (">=1.0.0 <2.0.0", "follows the newest tag of >=1.0.0 <2.0.0 "),
    ],
)
def test_what_is_no_branch_is_told_as_never_following_one(revision: str, said: str) -> None:
    halt = _tell(_of(revision=revision))

    assert said in halt.message
    assert halt.remedy.startswith("Set spec.source.targetRevision of the Application to main, or ")
    assert "spec.apps[].applications" in halt.remedy


@pytest.mark.parametrize("revision", ["production", "refs/heads/production", "release-1.x.y"])
def test_another_branch_is_named(revision: str) -> None:
    branch = revision.removeprefix("refs/heads/")
    halt = _tell(_of(revision=revision, place="spec.sources[1]"))

    assert f"follows branch {branch} (spec.sources[1].targetRevision)" in halt.message
    assert f"or spec.config.branch of the pipeline to {branch}" in halt.remedy


def test_another_repository_is_named_without_a_credential_in_it() -> None:
    other = ApplicationSource("https://me:secret@git.example.org/owner/other", "backend", "main")
    halt = _tell(replace(APPLICATION_SEEN, sources=(other,)))

    assert "takes its manifests from https://git.example.org/owner/other" in halt.message
    assert CONFIG in halt.message
    assert "secret" not in halt.sentence


def test_an_application_without_a_source_is_told() -> None:
    assert "has no source" in _tell(replace(APPLICATION_SEEN, sources=())).message


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (_of("frontend", tool="Directory"), "at path frontend (Directory), and nothing there"),
        (_of("frontend"), "at path frontend, and nothing there takes backend/values.yaml:"),
        (_of("frontend", tool="Helm"), "(its values files: values.yaml of its chart alone)"),
        (
            _of("charts/a", tool="Helm", names=["a.yaml", "/b.yaml", "$x/*.yaml"]),
            "(its values files: b.yaml and charts/a/a.yaml)",
        ),
    ],
)
def test_which_files_it_takes_is_said(seen: ApplicationSeen, said: str) -> None:
    halt = _tell(seen)

    assert said in halt.message
    assert "edits[].path of app backend" in halt.remedy


def test_the_word_of_an_owner_whose_plugin_reads_more_is_asked_for() -> None:
    halt = _tell(_of("frontend", tool="Plugin"))
    assert "annotation argocd.argoproj.io/manifest-generate-paths name the file" in halt.remedy


def test_an_application_that_is_being_deleted_is_refused() -> None:
    halt = application.check(APPLICATION, replace(_of(), is_deleted=True), [], RESOLVED)

    assert isinstance(halt, Halt)
    assert halt.reason is Reason.APPLICATION_NOT_FOUND
    assert "is being deleted" in halt.message


def test_whom_an_application_set_makes_is_rendered_by_what_renders_the_set() -> None:
    halt = _tell(replace(_of("frontend"), made_by=Ref("argocd", "shops")))
    assert "the app of apps that renders its ApplicationSet argocd/shops" in halt.remedy
