"""`album plan -f` takes the resources as they would be applied."""

from pathlib import Path

import pytest

from album_operator.domain.diffs import UNKNOWN_DIGEST_NOTE
from tests.cli.command import CHANGES, REFUSED, Ended, album, commit, git

PIPELINE = """\
apiVersion: album.dev/v1alpha1
kind: AlbumPipeline
metadata: {name: album-app, namespace: album}
spec:
  source: {repository: https://git.example.org/owner/album-app}
  apps:
    - name: backend
      tagPrefix: api-
    - name: frontend
      edits: [{path: backend/values.yaml, key: resources.extra.tag}]
"""
RELEASE = """\
apiVersion: album.dev/v1alpha1
kind: AlbumRelease
metadata: {name: frontend-v1.1.0, namespace: album}
spec: {pipelineRef: {name: album-app}, tag: frontend-v1.1.0}
"""


@pytest.fixture
def folder(repository: Path) -> Path:
    (repository.parent / "pipeline.yaml").write_text(PIPELINE)
    (repository.parent / "release.yaml").write_text(RELEASE)
    return repository.parent


def plan(folder: Path, *words: str, data: str = "") -> Ended:
    return album("plan", *words, "--config-repo", "config", cwd=folder, data=data.encode())


def test_two_files_are_planned_by_the_pipelines_own_edits(folder: Path) -> None:
    ended = plan(folder, "-f", "pipeline.yaml", "-f", "release.yaml")

    assert ended.status == CHANGES
    assert b'-  extra: {tag: v0}\n+  extra: {tag: "v1.1.0"}\n' in ended.out


def test_one_stream_with_both_is_planned(folder: Path) -> None:
    wanted = plan(folder, "-f", "pipeline.yaml", "-f", "release.yaml").out
    (folder / "both.yaml").write_text(f"---\n{RELEASE}---\n---\n{PIPELINE}")

    assert plan(folder, "-f", "both.yaml") == Ended(CHANGES, wanted, "")
    assert plan(folder, "-f", "-", data=f"{PIPELINE}---\n{RELEASE}") == Ended(CHANGES, wanted, "")


def test_a_release_by_app_and_version_is_planned(folder: Path) -> None:
    release = RELEASE.replace("tag: frontend-v1.1.0", "app: backend, version: v2.0.0")
    ended = plan(folder, "-f", "pipeline.yaml", "-f", "-", data=release)

    assert b'+  tag: "v2.0.0" # the release\n' in ended.out


def test_all_that_is_wrong_is_told_a_line_for_each(folder: Path) -> None:
    edits = (
        "[{path: backend/values.yaml, key: nowhere.tag}, {path: gone.yaml, key: image.tag}, "
        "{path: backend/values.yaml, key: resources}]"
    )
    pipeline = PIPELINE.replace("[{path: backend/values.yaml, key: resources.extra.tag}]", edits)
    ended = plan(folder, "-f", "release.yaml", "-f", "-", data=pipeline)

    assert ended.status == REFUSED
    assert [line.partition(":")[0] for line in ended.err.splitlines()] == [
        "ValuesFileNotFound",
        "ValuesKeyNotFound",
        "ValuesNotEditable",
    ]
    assert "retry" not in ended.err


def test_a_digest_is_zeros_and_that_is_told_beside_the_diff(folder: Path) -> None:
    # Not the tag that is there, which is newer.
    edits = (
        "[{path: backend/values.yaml, key: resources.extra.tag}, "
        "{path: backend/values.yaml, key: image.digest, value: Digest, create: true}]"
    )
    pipeline = PIPELINE.replace("[{path: backend/values.yaml, key: resources.extra.tag}]", edits)
    ended = plan(folder, "-f", "release.yaml", "-f", "-", data=pipeline)

    assert ended.status == CHANGES
    assert f"digest: sha256:{'0' * 64}".encode() in ended.out.replace(b'"', b"")
    assert ended.err == f"{UNKNOWN_DIGEST_NOTE}\n"


def test_the_pipelines_branch_is_the_revision_by_default(folder: Path) -> None:
    git(folder / "config", "checkout", "--quiet", "-b", "prod", "first")
    commit(
        folder / "config", "prod", {"backend/values.yaml": b"resources: {extra: {tag: v1.0.9}}\n"}
    )
    git(folder / "config", "checkout", "--quiet", "main")
    pipeline = PIPELINE.replace("  apps:", "  config: {branch: prod}\n  apps:")
    words = ("-f", "release.yaml", "-f", "-")

    assert b"v1.0.9" in plan(folder, *words, data=pipeline).out
    assert b"v1.0.9" not in plan(folder, *words, "--rev", "main", data=pipeline).out


def test_an_older_release_may_say_that_it_is_wished(folder: Path) -> None:
    release = RELEASE.replace("frontend-v1.1.0}", "frontend-v1.1.0, allowDowngrade: true}")
    values = b"resources: {extra: {tag: v9.0.0}}\n"
    commit(folder / "config", "newer", {"backend/values.yaml": values})

    assert plan(folder, "-f", "pipeline.yaml", "-f", "release.yaml").err.startswith("Superseded: ")
    assert plan(folder, "-f", "pipeline.yaml", "-f", "-", data=release).status == CHANGES


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "tag: frontend-v1.1.0",
            "tag: 1.10",
            "spec.tag: must be of type string, not number: put quotes",
        ),
        ("tag: frontend-v1.1.0", "app: frontend, version: 1e3", "not integer: put quotes"),
        ("tag: frontend-v1.1.0", "tag: a-v1.0.0, tag: a-v1.0.1", "line 4: key tag is set twice"),
        ("tag: frontend-v1.1.0", "tga: x", "spec.tga: there is no such field."),
        (", tag: frontend-v1.1.0", "", "spec.tag: say what to release"),
        ("tag: frontend-v1.1.0", "tag: a-v1.0.0, app: a", "spec.tag: tag already says app"),
        ("pipelineRef: {name: album-app}, ", "", "spec.pipelineRef: Required value."),
        ("spec: {", "mode: {", "v1.1.0: mode: there is no such field."),
        ("tag: frontend-v1.1.0", "tag: web-v1.0.0", "TagInvalid: spec.tag: `web-v1.0.0`"),
        ("name: album-app}", "name: other}", "the files hold 0 AlbumPipelines named other"),
        ("tag: front", "mode: Watch, tag: front", 'supported values: "Apply", "Plan", "Follow".'),
        ("album.dev/v1alpha1", "album.dev/v1", "document 1: apiVersion: it must be"),
        ("kind: AlbumRelease", "kind: Secret", "document 1: kind: Secret is neither"),
        ("{name: frontend-v1.1.0, ", "{", "document 1: metadata.name: Required value."),
        ("{name: front", "{name: api/front", "api/frontend-v1.1.0: metadata.name: should match"),
        ("kind: AlbumRelease", "kind: [", "standard input is no YAML: "),
        (RELEASE, "just a text", "document 1: kind: nothing is neither"),
        (RELEASE, "", "the files hold 0 AlbumReleases"),
        (RELEASE, f"{RELEASE}---\n{RELEASE}", "the files hold 2 AlbumReleases"),
        (RELEASE, "\x00", "standard input is no YAML: "),
        (RELEASE, "&a [*a]", "standard input is no YAML: "),
        (RELEASE, "!!python/object/apply:os.system [id]", "standard input is no YAML: "),
    ],
)
def test_what_would_not_be_admitted_is_refused_with_file_and_field(
    folder: Path, old: str, new: str, said: str
) -> None:
    assert old in RELEASE
    ended = plan(folder, "-f", "pipeline.yaml", "-f", "-", data=RELEASE.replace(old, new, 1))

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert said in ended.err


def test_a_fault_of_the_pipeline_names_its_file(folder: Path) -> None:
    pipeline = PIPELINE.replace("name: backend", "nmae: backend")
    ended = plan(folder, "-f", "release.yaml", "-f", "-", data=pipeline)

    assert ended.status == REFUSED
    assert ended.err == (
        "Error: standard input, document 1: AlbumPipeline album-app: spec.apps[0].nmae: there is "
        "no such field.\n"
    )


def test_each_fault_is_told_in_a_line_of_its_own(folder: Path) -> None:
    release = RELEASE.replace("tag: frontend-v1.1.0", "app: a/b, version: latest")
    ended = plan(folder, "-f", "pipeline.yaml", "-f", "-", data=release)

    assert ended.status == REFUSED
    fields = [line.split(": ")[3] for line in ended.err.splitlines()]
    assert sorted(fields) == ["spec.app", "spec.version"]


def test_a_null_counts_as_left_out(folder: Path) -> None:
    release = RELEASE.replace("tag: frontend-v1.1.0", "tag: frontend-v1.1.0, mode: ~, app: null")
    ended = plan(folder, "-f", "pipeline.yaml", "-f", "-", data=release)

    assert ended.status == CHANGES, ended.err


def test_a_path_that_leaves_the_repository_is_refused(folder: Path) -> None:
    pipeline = PIPELINE.replace("path: backend/values.yaml", "path: ../secrets.yaml")
    ended = plan(folder, "-f", "release.yaml", "-f", "-", data=pipeline)

    assert (ended.status, ended.out) == (REFUSED, b"")
    assert (
        "spec.apps[1].edits[0].path: path must be a path below the repository's root" in ended.err
    )


def test_a_file_that_cannot_be_read_is_told(folder: Path) -> None:
    ended = plan(folder, "-f", "nope.yaml")

    assert (ended.status, ended.err) == (
        2,
        "Error: nope.yaml cannot be read: No such file or directory.\n",
    )


OLD = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("values", "value", "said"),
    [
        (f"image: {{tag: v1.0.0, digest: '{OLD}'}}", "Tag", "add an edit of image.digest with"),
        (f"image: {{tag: 'v1.2.0@{OLD}'}}", "Tag", "Superseded: values.yaml already holds v1.2.0@"),
        ("image: {tag: 'registry.example.org:5000/acme/app:v1'}", "Tag", "Use value: Reference"),
        ("image: {tag: v1.0.0}\nsops: {mac: 'ENC[x]', lastmodified: x}", "Tag", "SOPS"),
        ("%YAML 1.3\n---\nimage: {tag: v1.0.0}", "Tag", "ValuesNotEditable: image.tag cannot"),
        ("image: {tag: 'nginx:1.27.0'}", "Reference", ""),
        (f"image: {{tag: 'v1.0.0@{OLD}'}}", "Tag", ""),
    ],
)
def test_what_would_be_wrong_in_silence_is_told(
    folder: Path, values: str, value: str, said: str
) -> None:
    commit(folder / "config", "values", {"values.yaml": f"{values}\n".encode()})
    old = "{path: backend/values.yaml, key: resources.extra.tag}"
    pipeline = PIPELINE.replace(old, f"{{path: values.yaml, key: image.tag, value: {value}}}")
    ended = plan(folder, "-f", "release.yaml", "-f", "-", data=pipeline)

    assert ended.status == (REFUSED if said else CHANGES), ended
    assert said in ended.err
    assert said or b"v1.1.0" in ended.out


def test_an_edit_through_a_list_of_a_named_document_says_what_else_changes(folder: Path) -> None:
    values = (
        "kind: Service\n---\nkind: Deployment\nmetadata: {name: web}\nspec:\n  containers:\n"
        "  - {name: app, tag: &t v1.0.0}\n  - {name: job, tag: *t}\n"
    )
    commit(folder / "config", "values", {"values.yaml": values.encode()})
    old = "{path: backend/values.yaml, key: resources.extra.tag}"
    edit = (
        '{path: values.yaml, key: "spec.containers[name=job].tag", anchors: Edit, '
        "document: {kind: Deployment, name: web}}"
    )
    ended = plan(folder, "-f", "release.yaml", "-f", "-", data=PIPELINE.replace(old, edit))

    assert ended.status == CHANGES, ended
    assert b'+  - {name: app, tag: &t "v1.1.0"}' in ended.out
    assert ended.err == (
        "spec.containers[name=job].tag of Deployment web of values.yaml is shared, so "
        "spec.containers[0].tag and spec.containers[1].tag change together.\n"
    )


def test_of_a_release_that_follows_the_change_of_others_is_printed(folder: Path) -> None:
    release = RELEASE.replace("tag: frontend-v1.1.0", "tag: frontend-v1.1.0, mode: Follow")
    ended = plan(folder, "-f", "pipeline.yaml", "-f", "-", data=release)

    assert ended.status == CHANGES
    assert ended.out == plan(folder, "-f", "pipeline.yaml", "-f", "release.yaml").out
    assert "the release waits until others have made this change" in ended.err
