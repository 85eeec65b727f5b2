"""The admission table: what the API server accepts and refuses by our CRDs alone.

Long because it is a table. A refused row names the field and a part of the sentence users read.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.integration.argument_rows import (
    HONEST_NAMES,
    HONEST_VALUES,
    SECRET_NAMES,
    SECRET_TEXTS,
    SECRET_URLS,
)
from tests.integration.objects import REMOVED, REPOSITORY

ENDS_WITH_VERSION = "must be the name of a git tag that ends with a version"
OF_THE_FORM = "version must be of the form v1.2.3"
LOWER_CASE = "must be lower-case letters, digits and '-'"
TRANSPORT = "the URL must begin with https://"
SHORT_SSH = "ssh://git@git.example.org/owner/name for git@git.example.org:owner/name"
NO_USER = "put it into the Secret that secretRef names"
URL_FORM = "the URL must be of the form https://git.example.org/"
NO_TAG = "must not hold a tag or digest"
BRANCH = "branch must be the name of a git branch"
PATH = "must be a path below the repository's root"
TOO_LONG = "may not be more than"
DURATION = "must be a duration between"
HEAD = "spec.config.pullRequest.branch"
TITLE = "spec.config.pullRequest.title"
BODY = "spec.config.pullRequest.body"
MESSAGE = "spec.config.commitMessage"
NO_VARIABLE = "there is no such variable"
NO_ENVIRONMENT = "${environment} stands for spec.environment, which is not there"
QUANTITY = "must be a quantity above 0"


REWRITTEN = "spec.argocd.rewrittenRegistries"
REGISTRY_PLACE = "this must be a registry, or a place in one"

NO_POLICY = "with sync Operation or Observe no sync policy is set"

SINK = {"name": "team", "secretRef": {"name": "team-chat"}, "format": "Slack"}
EXTERNAL = {"source": {"repository": REPOSITORY}, "build": {"type": "External"}}
FOR_EXTERNAL: list[dict[str, object]] = [
    {"existingImage": "Adopt"},
    {"pushSecretRef": {"name": "reader"}, "readSecretRef": {"name": "reader"}},
    {"image": {"registry": "registry.example.org:5000", "insecure": True}},
    {"args": [], "versionArg": "VERSION", "failureLog": False, "proof": "Registry"},
]
NOT_FOR_EXTERNAL: dict[str, object] = {
    "args": [{"name": "GO_VERSION", "value": "1.27"}],
    "versionArg": "APP_VERSION",
    "target": "release",
    "resources": {"limits": {"cpu": "1"}},
    "fetchResources": {"limits": {"cpu": "1"}},
    "pod": {"labels": {"team": "x"}},
    "cache": {},
    "source": {"lfs": True},
    "secrets": [{"name": "npm", "secretRef": {"name": "npm", "key": "token"}}],
    "tags": ["latest"],
    "platforms": ["linux/amd64"],
    "failureLog": True,
    "timeout": "1h",
    "proof": "Builder",
}


@dataclass(frozen=True)
class Row:
    """One write: a field of an otherwise good object, and what the API server makes of it.

    Attributes:
        path: field to change.
        value: its value.
        refusal: part of the message, None where the object is accepted.
        field: field the error names, where it is another than `path`.
        rule: part of the rule's own message, where the API server tells why the rule has no answer.
    """

    path: str
    value: object
    refusal: str | None = None
    field: str | None = None
    rule: str | None = None

    def __str__(self) -> str:
        verdict = "accepted" if self.refusal is None else "refused"
        value = "removed" if self.value is REMOVED else repr(self.value)
        return f"{self.path}={value:.40} is {verdict}"


def _rows(path: str, *values: object, refusal: str | None = None) -> list[Row]:
    return [Row(path, value, refusal) for value in values]


RELEASES = [
    *_rows(
        "spec.tag",
        "backend-v1.1.0",
        "backend-1.1.0",
        "web-shop-v2.0.0",
        "frontend-v1.3.4-rc.1",
        "frontend-v1.3.4-rc1",
        "release_v1.0.0",
        "Backend.API-v1.0.0",
        "v1.0.0",
        "backend/v1.0.0",
        "backend@1.0.0",
        "@acme/backend@1.0.0",
        "@1.0.0",
        "services/web-shop/v1.0.0-rc.1",
        "backend-v1",
        "backend-v1.2",
        "backend-v1.2.3.4",
        "v737",
        "2024.11.03",
        "backend-2024.11.03",
        "backend-v1.0.0-" + "a" * 114,
        "b" * 62 + "/v1.0.0-" + "a" * 121,
    ),
    *_rows(
        "spec.tag",
        "backend",
        "backend-latest",
        "backend-v1.2-rc.1",
        "backend-2024.11.03a",
        "backend.1.0.0",
        "latest",
        "",
        "-v1.0.0",
        "--upload-pack=x-v1.0.0",
        "-u/bin/sh",
        "backend-v1.0.0+build",
        "backend-v1.0.0-rc..1",
        "back..end-v1.0.0",
        "/v1.0.0",
        "/backend/v1.0.0",
        "backend//v1.0.0",
        "backend/.hidden/v1.0.0",
        "backend./v1.0.0",
        "backend.lock/v1.0.0",
        "@",
        "@@/v1.0.0",
        "../backend-v1.0.0",
        "refs/../x-v1.0.0",
        "backend-v1.0.0-rc.lock",
        "backend v1.0.0",
        "backend-v1.0.0\n",
        "backend-v1.0.0~1",
        "backend-v1.0.0^",
        "backend:v1.0.0",
        "backend?-v1.0.0",
        "backend*-v1.0.0",
        "backend[-v1.0.0",
        "back\\end-v1.0.0",
        "backend@{1}-v1.0.0",
        "@{-1}",
        "HEAD",
        ".hidden-v1.0.0",
        "$(id)-v1.0.0",
        "`id`-v1.0.0",
        "${{ secrets.X }}-v1.0.0",
        "backend-v1.0.0;id",
        'backend-v1.0.0"',
        "backend-\u2170.0.0",
        "backend-\u202ev1.0.0",
        "backend-v1.0.0\x00",
        refusal=ENDS_WITH_VERSION,
    ),
    Row("spec.tag", "b" * 62 + "/v1.0.0-" + "a" * 122, TOO_LONG),
    Row("spec.tag", 110, "must be of type string"),
    Row("spec.tag", REMOVED, "say what to release"),
    Row("spec.app", "backend", "tag already says app and version", "spec.tag"),
    Row("spec.version", "v1.1.0", "tag already says app and version", "spec.tag"),
    Row("spec.pipelineRef", REMOVED, "Required value"),
    Row("spec.pipelineRef.name", "team.album-app"),
    Row("spec.pipelineRef.name", "../album-app", "must be the name of an object"),
    Row("spec.pipelineRef.name", "a" * 64, TOO_LONG),
    *_rows("spec.mode", "Apply", "Plan", "Follow"),
    *_rows("spec.mode", "", "plan", "Watch", refusal='supported values: "Apply", "Plan", "Follow"'),
    Row("spec.suspend", True),
    Row("spec.suspend", "yes", "must be of type boolean"),
    Row("spec.allowDowngrade", True),
    Row("spec.rollbackOf", {"name": "backend-v1.2.0"}),
    Row("spec.rollbackOf", {}, "Required value", "spec.rollbackOf.name"),
    Row(
        "spec.rollbackOf", {"name": "../x"}, "must be the name of an object", "spec.rollbackOf.name"
    ),
]

APP_AND_VERSION = [
    *_rows(
        "spec.version", "v1.1.0", "1.1.0", "v1.1.0-rc.1", "v1.0.5-alpha1", "1.10.0", "v10.20.30"
    ),
    *_rows("spec.version", "v1", "1.10", "0123", "1234567", "2024.11.03", "0.8.3.1", "9" * 128),
    *_rows("spec.version", "2024-01-01", "v2024-11-03-2"),
    *_rows("spec.version", "v1.0.0-" + "a" * 121),
    *_rows(
        "spec.version",
        "",
        "latest",
        "1e3",
        "2024--01",
        "2024-01-",
        "2024.11.03a",
        "2024.11-rc.1",
        "1..2",
        "1.",
        "backend/v1.0.0",
        "null",
        "0x1F",
        "-rc1",
        "-v1.0.0",
        ".hidden",
        "v1.0.0+build",
        "v1.0.0/..",
        "v1.0..0",
        "v1.0.0-a..b",
        "v1.0.0-rc.lock",
        "v1.0.0-",
        "v1 0",
        "v1.0.0\n2",
        "v1.0.0;id",
        "v1.0.0\x1b[2J",
        "v1.0.0~1",
        "v1.0.0^{}",
        "v1.0.0:x",
        "v1.0.0@{0}",
        "!!python/object",
        refusal=OF_THE_FORM,
    ),
    Row("spec.version", "v1.0.0-" + "a" * 122, TOO_LONG),
    Row("spec.version", 1.1, "must be of type string"),
    Row("spec.version", REMOVED, "app needs a version"),
    Row("spec.app", REMOVED, "version needs an app"),
    *_rows("spec.app", "backend", "web-shop", "a", "7zip"),
    *_rows(
        "spec.app",
        "",
        "Backend",
        "a/../b",
        "..",
        "a/b",
        "-backend",
        "backend-",
        "back end",
        "a.b",
        "a_b",
        "b\u0430ckend",
        "backend\n",
        refusal=LOWER_CASE,
    ),
    Row("spec.app", "a" * 64, TOO_LONG),
]

BAD_URLS = [
    *((url, TRANSPORT) for url in ("file:///etc", "ext::sh -c id", "git://host/o/n", "/o/n")),
    *((url, TRANSPORT) for url in ("git@host:o/n", "ssh+git://host/o/n", "ssh:host/o/n")),
    *((url, TRANSPORT) for url in ("-oProxyCommand=x", "--upload-pack=x", "", "HTTP://host/o/n")),
    *((url, NO_USER) for url in ("https://u:p@host/o/n", "https://token@host/o/n")),
    ("https://-oProxyCommand=x/o/n", URL_FORM),
    ("https://host/$GITHUB_TOKEN/n", URL_FORM),
    ("https://host/o/../n/x", URL_FORM),
    ("https://host/o/n/..", URL_FORM),
    ("https://host/o/./n", URL_FORM),
    ("https://host/o/n?x=y", URL_FORM),
    ("https://host/o/n#main", URL_FORM),
    ("https://host/o/%2e%2e/n", URL_FORM),
    ("https://host/o/n\r\nx", URL_FORM),
    ("https://host/o/n x", URL_FORM),
    ("https://host/o//n", URL_FORM),
    ("https://host:99999/o/n", URL_FORM),
    ("https://host:/o/n", URL_FORM),
    ("https://host\\@evil/o/n", NO_USER),
    ("https://host/o/n\x00", URL_FORM),
    ("https://" + "h" * 512 + "/o/n", TOO_LONG),
]

BAD_SSH_URLS = [
    ("git@host:o/n", SHORT_SSH),
    *((f"ssh://{host}/o/n", NO_USER) for host in ("git:pw@host", ":pw@host", "git:@host:22")),
    *((f"ssh://{host}/o/n", URL_FORM) for host in ("-oProxyCommand=x", "-host", "git@-host", "")),
    *(
        (f"ssh://{host}/o/n", URL_FORM)
        for host in ("-l@host", "@host", "a@b@host", "git@", "g+t@h")
    ),
    *(
        (f"ssh://{host}/o/n", URL_FORM)
        for host in ("host:99999", "host:", "host:x", "[::1]", "h$x")
    ),
    *(
        (f"ssh://git@host{path}", URL_FORM)
        for path in ("/o/../n", "/o/n?x", "/o/n x", "/n", "", "//o")
    ),
    ("ssh://git@host/o/n\n", URL_FORM),
]

GOOD_URLS = (
    REPOSITORY,
    f"{REPOSITORY}.git",
    f"{REPOSITORY}/",
    "http://172.18.0.1:3000/album/album-app",
    "https://gitlab.example.org/group/sub-group/name",
    "https://host/o/name.with.dots_and~tilde",
    "ssh://git@git.example.org/owner/album-app.git",
    "ssh://git.example.org:2222/owner/album-app/",
    "ssh://_deploy.bot-1@10.0.0.1/srv/git/album-app",
)

BAD_PATHS = (
    "",
    "../../values.yaml",
    "backend/../../values.yaml",
    "backend/..",
    "/etc/passwd",
    "-rf",
    "--output=/tmp/x",
    "./values.yaml",
    "backend/./values.yaml",
    "backend//values.yaml",
    "backend/",
    ".git/config",
    ".GIT/config",
    "backend/.git/hooks/pre-commit",
    ".github/workflows/x.yml",
    ".gitmodules",
    "back\\end",
    "values.yaml\n",
    "$(id)",
    ":(exclude)x",
    "a b",
    "~/x",
    "backend/*.yaml",
)


def _cases(path: str, cases: Iterable[tuple[str, str]]) -> list[Row]:
    return [Row(path, value, refusal) for value, refusal in cases]


TAGS = "spec.triggers.tags"

ENVIRONMENT = "spec.feedback.deployment.environment"


def _deployment(repository: str, forge: str | None, *, environment: str = "production") -> object:
    source = {"repository": repository} | ({"forge": {"type": forge}} if forge else {})
    feedback = {"deployment": {"environment": environment}}
    return {"source": source, "apps": [{"name": "backend"}], "feedback": feedback}


DEPLOYMENTS = [
    *(
        Row("spec", _deployment(repository, forge))
        for repository, forge in (
            ("https://github.com/owner/album-app", None),
            ("https://GitHub.com/owner/album-app", None),
            ("ssh://git@github.com/owner/album-app", None),
            ("ssh://git@ssh.github.com:443/owner/album-app", None),
            ("https://git.example.org/owner/album-app", "GitHub"),
        )
    ),
    *(
        Row("spec", _deployment(repository, forge), said, "spec.feedback.deployment")
        for said in ("set spec.source.forge.type to GitHub",)
        for repository, forge in (
            ("https://git.example.org/owner/album-app", None),
            ("https://git.example.org/github.com/album-app", None),
            ("https://github.com.example.org/owner/album-app", None),
            ("https://github.com/owner/album-app", "Gitea"),
        )
    ),
    *(
        Row(
            "spec", _deployment("https://github.com/o/r", None, environment=name), said, ENVIRONMENT
        )
        for name, said in (
            ("", "one line without a blank at either end"),
            (" a", "one line without a blank at either end"),
            ("a\nb", "one line without a blank at either end"),
            ("e" * 256, "may not be more than 255"),
        )
    ),
    Row("spec", _deployment("https://github.com/o/r", None, environment="staging / Zürich 1")),
]

TRIGGERS = [
    Row("spec.triggers", {}),
    Row("spec.triggers", {"webhook": False, "tags": {}}),
    Row("spec.triggers", {"tags": {"select": "All", "prereleases": True}}),
    Row(f"{TAGS}.select", "Oldest", 'supported values: "Newest", "All"'),
    *_rows(f"{TAGS}.interval", "1m", "5m", "24h", "1h30m"),
    *(
        Row(f"{TAGS}.interval", value, "must be a duration between 1m and 24h")
        for value in ("59s", "24h1s", "0", "5", "5 minutes", "")
    ),
    *_rows(
        f"{TAGS}.range", ">=1.0.0", ">=1.0.0 <2.0.0, !=1.5.0", "^1.2 || ~2.1.0", "1.x", "1.2 - 2"
    ),
    *_rows(f"{TAGS}.range", "*", "2024.11", ">" + "9" * 199),
    *(
        Row(f"{TAGS}.range", value, "range must be conditions such as")
        for value in (
            "",
            "latest",
            ">=",
            "1.0.0+1",
            "=>1.0.0",
            ">=1.0.0 and <2",
            "1.x.2",
            "^1 |  ^2",
        )
    ),
    Row(f"{TAGS}.range", ">" + "9" * 200, "may not be more than 200"),
    Row(TAGS, {"range": ">=1.0.0-0", "prereleases": True}),
    Row(TAGS, {"range": "1.0.0-rc.1 - 2.0.0", "prereleases": True}),
    Row(TAGS, {"range": ">=1.0.0-0"}, "set prereleases: true", f"{TAGS}.range"),
    Row(
        TAGS, {"range": "^1.0.0-0", "prereleases": False}, "set prereleases: true", f"{TAGS}.range"
    ),
    *_rows(f"{TAGS}.pattern", r"-rc\.[0-9]+$", "^backend-", r"(?i)\bRC\b", "é"),
    *(
        Row(f"{TAGS}.pattern", value, said, rule="must be a regular expression of RE2")
        for value, said in [
            ("(", "missing closing )"),
            ("a{2,1}", "invalid repeat count"),
            (r"(a)\1", "invalid escape sequence"),
            ("(?=a)", "invalid or unsupported Perl syntax"),
        ]
    ),
    Row(f"{TAGS}.pattern", "", "should be at least 1 chars long"),
    Row(f"{TAGS}.pattern", "a" * 201, "may not be more than 200"),
]

PIPELINES = [
    *_rows("spec.source.repository", *GOOD_URLS),
    *_cases("spec.source.repository", BAD_URLS + BAD_SSH_URLS),
    Row("spec.source.repository", "https://host/only-a-name", URL_FORM),
    Row("spec.source.repository", REMOVED, "Required value"),
    *_rows("spec.config.repository", *GOOD_URLS),
    *_cases("spec.config.repository", BAD_URLS + BAD_SSH_URLS),
    *_rows("spec.config.forge.apiURL", "https://host", "http://127.0.0.1:3000/gitea/api/v1/"),
    *_cases("spec.config.forge.apiURL", BAD_URLS),
    Row("spec.config.forge.apiURL", "ssh://git@host/api/v1", TRANSPORT),
    *_rows("spec.config.branch", "main", "release/2026", "team/x_1.0+a", "v1"),
    *_rows(
        "spec.config.branch",
        "",
        "-main",
        "--upload-pack=x",
        "a..b",
        "a/../b",
        "/main",
        "main/",
        "a//b",
        "a/.b",
        ".a",
        "main.",
        "main.lock",
        "a.lock/b",
        "HEAD",
        "refs/heads/main",
        "@",
        "@{-1}",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "main\n",
        "release/${app_name}_${version}",
        refusal=BRANCH,
    ),
    *_rows(
        HEAD,
        "release/${app}_${version}",
        "${tag}",
        "deploy/@acme/${tag}",
        "${pipeline}/${app}-${version}+1",
        "a" * 194 + "${tag}",
    ),
    *_rows(
        HEAD,
        "",
        "${tag}-${nobody}",
        "${TAG}",
        "$tag",
        "${tag",
        "$${tag}",
        "${ tag }",
        "a..${tag}",
        "a@{1}${tag}",
        "a ${tag}",
        "-${tag}",
        "${tag}.lock",
        "x.lock/${tag}",
        "/${tag}",
        "${tag}/",
        "a//${tag}",
        "a/.${tag}",
        "refs/heads/${tag}",
        "${tag}\n",
        "${tag}\x00",
        "a~${tag}",
        refusal="this must give the name of a git branch",
    ),
    *_rows(
        HEAD,
        "${tag}/${digest}",
        "${image}",
        refusal="a branch cannot have ${image} or ${digest}",
    ),
    *_rows(HEAD, "main", "deploy/${app}", refusal="two releases would have the same branch"),
    *_rows(HEAD, "${app}${version}", refusal="two releases could have the same branch"),
    Row(HEAD, "deploy/${version}", "two apps would have the same branch"),
    Row(HEAD, "${environment}/${tag}", NO_ENVIRONMENT, "spec.environment"),
    Row(HEAD, "a" * 195 + "${tag}", TOO_LONG),
    *_rows("spec.environment", "staging", "Prod_1", "eu-west-1"),
    *_rows(
        "spec.environment",
        "",
        "-prod",
        "a/b",
        "a b",
        "a..b",
        "prod\n",
        refusal="environment must be a word",
    ),
    Row("spec.environment", "a" * 64, TOO_LONG),
    *_rows(TITLE, "${app} ${version}: $5", "deploy(${tag}) to ${image}@${digest}"),
    *_rows(TITLE, "${nobody}", "${app", "$${nobody}", "${app}${}", refusal=NO_VARIABLE),
    *_rows(TITLE, "a\nb", "a\r", " a", "a\x1b[2J", "\x00", refusal="the title is one line"),
    Row(TITLE, "", "should be at least 1 chars long"),
    Row(TITLE, "a" * 201, TOO_LONG),
    Row(TITLE, "${environment}", NO_ENVIRONMENT, "spec.environment"),
    *_rows(MESSAGE, "deploy(${app}): ${version}\n\nOf ${tag}.\n", "$"),
    *_rows(MESSAGE, "a ${nobody}", "a\n${}", refusal=NO_VARIABLE),
    *_rows(MESSAGE, "\na", "a\r\nb", "a\x00", "a\tb", refusal="the message is a subject"),
    Row(MESSAGE, "a" * 1025, TOO_LONG),
    Row(MESSAGE, "${environment}", NO_ENVIRONMENT, "spec.environment"),
    *_rows(BODY, "Rolls **${app}** out.\n\n- [ ]\tto ${digest}\n"),
    *_rows(BODY, "a ${nobody}", refusal=NO_VARIABLE),
    *_rows(BODY, "\na", "a\x1b", "a\x7f", refusal="the body is Markdown"),
    Row(BODY, "a" * 2049, TOO_LONG),
    Row(BODY, "${environment}", NO_ENVIRONMENT, "spec.environment"),
    *_rows("spec.apps[0].contextDir", "backend", ".", "services/backend", "a.b/c_d+e@f=g,h-i"),
    *_rows("spec.apps[0].contextDir", *BAD_PATHS, refusal=PATH),
    *_rows("spec.apps[0].dockerfile", "Dockerfile", "docker/release.Dockerfile", "..Dockerfile"),
    *_rows("spec.apps[0].dockerfile", *BAD_PATHS, refusal=PATH),
    Row("spec.apps[0].dockerfile", ".", "dockerfile must be a file"),
    Row("spec.apps[0].image", "ghcr.io/owner/album-app-backend"),
    Row("spec.apps[0].image", "172.18.0.1:5000/backend"),
    Row("spec.apps[0].image", "localhost/backend"),
    *_rows(
        "spec.apps[0].image",
        "ghcr.io/owner/backend:v1",
        "ghcr.io/owner/backend@sha256:" + "0" * 64,
        "host:5000/backend:latest",
        "ghcr.io/owner/backend:",
        refusal=NO_TAG,
    ),
    *_rows(
        "spec.apps[0].image",
        "",
        "backend",
        "owner/backend",
        "ghcr.io/Owner/backend",
        "https://ghcr.io/backend",
        "ghcr.io//backend",
        "ghcr.io/backend/",
        "ghcr.io/-backend",
        "ghcr.io/../backend",
        "ghcr.io/$(id)",
        "ghcr.io:5000",
        "--destination=evil/x",
        refusal="image must be registry and repository",
    ),
    *_rows("spec.apps[0].tagPrefix", "", "backend-", "release_", "v", "Backend.API-"),
    *_rows("spec.apps[0].tagPrefix", "backend/", "backend@", "@acme/backend@", "@", "a/b/c-"),
    *_rows(
        "spec.apps[0].tagPrefix",
        "-",
        "-x-",
        "back..end-",
        "/",
        "/backend/",
        "a//b/",
        "a/./b/",
        "a/.b/",
        "a./b/",
        "a.lock/",
        "@@",
        "a b-",
        "v1.",
        "app-1",
        "@{-",
        "a~",
        refusal="tagPrefix must be what an app's git tags have before the version",
    ),
    *(
        row
        for path in ("spec.versioning", "spec.apps[0].versioning")
        for row in (
            *_rows(path, "SemVer", "Numeric"),
            *_rows(path, "", "semver", "CalVer", refusal='supported values: "SemVer", "Numeric"'),
        )
    ),
    Row("spec.apps[1].tagPrefix", "backend-", "two apps have the same tagPrefix", "spec.apps"),
    Row("spec.apps[0].name", "Backend", LOWER_CASE),
    Row("spec.apps[0].name", "..", LOWER_CASE),
    Row("spec.apps[0].name", "a" * 64, TOO_LONG),
    Row("spec.apps[1].name", "backend", "Duplicate value", "spec.apps[1]"),
    Row("spec.apps[0].name", REMOVED, "Required value"),
    Row("spec.apps", [], "should have at least 1 items"),
    Row("spec.apps", [{"name": f"app-{i}"} for i in range(64)]),
    Row("spec.apps", [{"name": f"app-{i}"} for i in range(65)], "must have at most 64 items"),
    Row("spec.apps", REMOVED, "Required value"),
    Row("spec.build.type", "BuildKit"),
    Row("spec.build.type", "External"),
    Row("spec.build.type", "Docker", 'supported values: "Kaniko", "BuildKit", "External"'),
    *_rows("spec.build.existingImage", "Refuse", "Adopt"),
    Row("spec.build.existingImage", "Overwrite", 'supported values: "Refuse", "Adopt"'),
    *_rows("spec.build.proof", "Registry", "Builder"),
    Row("spec.build.proof", "Nobody", 'supported values: "Registry", "Builder"'),
    Row("spec.build.readSecretRef", {"name": "album-reader"}),
    Row(
        "spec.build.readSecretRef",
        {"name": "A"},
        "must be the name of an object",
        "spec.build.readSecretRef.name",
    ),
    *(Row("spec.build", {"type": "External", **fields}) for fields in FOR_EXTERNAL),
    *(
        Row(
            "spec.build",
            {"type": "External", field: value},
            f"images of type External are built elsewhere: leave {field} out.",
            f"spec.build.{field}",
        )
        for field, value in NOT_FOR_EXTERNAL.items()
    ),
    *(
        Row(
            "spec",
            {**EXTERNAL, "apps": [{"name": "backend", field: "x"}]},
            "leave contextDir, dockerfile and versionArg out.",
            "spec.apps",
        )
        for field in ("contextDir", "dockerfile", "versionArg")
    ),
    *_rows("spec.build.image.registry", "ghcr.io", "registry.example.org:5000", "localhost"),
    *_rows(
        "spec.build.image.registry",
        "",
        "https://ghcr.io",
        "ghcr.io/owner",
        "u:p@ghcr.io",
        "-ghcr.io",
        "gh\u0441r.io",
        "ghcr.io:x",
        refusal="registry must be a host with an optional port",
    ),
    *_rows("spec.build.image.repository", "owner/album-app", "album", "a/b/c-d_e.f"),
    *_rows(
        "spec.build.image.repository",
        "owner/album-app:v1",
        "owner/album-app@sha256:" + "0" * 64,
        "host:5000/x",
        refusal=NO_TAG,
    ),
    *_rows(
        "spec.build.image.repository",
        "",
        "Owner/app",
        "/app",
        "app/",
        "../app",
        "a//b",
        "-app",
        "app-",
        refusal="the image repository must be a path below the registry",
    ),
    Row("spec.build.args", [{"name": "GO_VERSION", "value": "1.27 # 'x' $HOME"}]),
    Row("spec.build.args", [{"name": "EMPTY", "value": ""}]),
    *(
        Row("spec.build.args", [{"name": name, "value": "x"} for name in HONEST_NAMES[i : i + 32]])
        for i in range(0, len(HONEST_NAMES), 32)
    ),
    Row(
        "spec.build.args",
        [{"name": f"A{i}", "value": value} for i, value in enumerate(HONEST_VALUES)],
    ),
    *(
        Row(
            "spec.build.args",
            [{"name": name, "value": "x"}],
            refusal,
            "spec.build.args[0].name",
        )
        for name, refusal in (
            ("LD_PRELOAD", "build arguments named LD_* or BASH_ENV"),
            ("ld_library_path", "build arguments named LD_* or BASH_ENV"),
            ("BASH_ENV", "build arguments named LD_* or BASH_ENV"),
            *((name, "must not hold secrets") for name in SECRET_NAMES),
            ("", "a build argument's name must be"),
            ("1X", "a build argument's name must be"),
            ("A=B", "a build argument's name must be"),
            ("--destination", "a build argument's name must be"),
            ("A B", "a build argument's name must be"),
            ("A" * 65, TOO_LONG),
        )
    ),
    *(
        Row(
            "spec.build.args",
            [{"name": "X", "value": value}],
            refusal,
            "spec.build.args[0].value",
        )
        for value, refusal in (
            ("a\nb", "must be one line"),
            ("a\x00", "must be one line"),
            ("$(VERSION)", "which Kubernetes would expand"),
            *((text, "must not hold a URL with a password") for text in SECRET_URLS),
            *((text, "must not be a token or a private key") for text in SECRET_TEXTS),
            ("x" * 1025, TOO_LONG),
        )
    ),
    Row(
        "spec.build.args",
        [{"name": "X", "value": "1"}, {"name": "X", "value": "2"}],
        "Duplicate value",
        "spec.build.args[1]",
    ),
    *(
        Row(
            "spec.build.args",
            [{"name": f"A{i}", "value": "x"} for i in range(most)],
            "must have at most 32 items",
        )
        for most in (33, 10_000)
    ),
    Row("spec.build.args", [{"name": f"A{i}", "value": "x" * 1024} for i in range(4)]),
    Row(
        "spec.build.args",
        [{"name": f"A{i}", "value": "x" * 820} for i in range(5)],
        "all build arguments together must have at most 4096 characters",
    ),
    *(
        row
        for path in ("spec.build.versionArg", "spec.apps[0].versionArg")
        for row in (
            *_rows(path, "VERSION", "", "APP_VERSION", "_v"),
            *_rows(path, " ", "1X", "A=B", "A-B", "--x", refusal="versionArg must be the name"),
            Row(path, "LD_PRELOAD", "build arguments named LD_* or BASH_ENV"),
            Row(path, "APP_TOKEN", "must not hold secrets"),
            Row(path, "A" * 65, TOO_LONG),
        )
    ),
    *_rows(
        "spec.build.pod.labels",
        {},
        {"sidecar.istio.io/inject": "false", "azure.workload.identity/use": "true"},
        {"team": ""},
        {"a." * 63 + "b/" + "c" * 63: "d" * 63},
    ),
    *(
        Row("spec.build.pod.labels", {key: "x"}, said)
        for key, said in (
            ("", "each key must be the name of a label"),
            ("a b", "each key must be the name of a label"),
            ("a/b/c", "each key must be the name of a label"),
            ("Example.org/team", "each key must be the name of a label"),
            ("x" * 64, "each key must be the name of a label"),
            ("album.dev/release", "cannot be set: choose another name"),
            ("guard.album.dev/x", "cannot be set: choose another name"),
            ("batch.kubernetes.io/job-name", "cannot be set: choose another name"),
            ("job-name", "cannot be set: choose another name"),
            ("app.kubernetes.io/managed-by", "cannot be set: choose another name"),
        )
    ),
    Row(
        "spec.build.pod.labels",
        {"team": "a b"},
        "a label's value must be",
        "spec.build.pod.labels[team]",
    ),
    # A rule has the key in brackets, the schema after a dot.
    Row(
        "spec.build.pod.labels",
        {"team": True},
        "must be of type string",
        "spec.build.pod.labels.team",
    ),
    Row("spec.build.pod.labels", {"team": "x" * 64}, TOO_LONG, "spec.build.pod.labels.team"),
    Row("spec.build.pod.labels", {f"a{i}": "" for i in range(17)}, "must have at most 16 items"),
    *_rows(
        "spec.build.pod.annotations",
        {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"},
        {"karpenter.sh/do-not-disrupt": "true"},
        {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
        {"traffic.sidecar.istio.io/excludeOutboundPorts": "443, 5000"},
    ),
    *(
        Row("spec.build.pod.annotations", {key: "x"}, "cannot be set for builds: leave them out")
        for key in (
            "container.apparmor.security.beta.kubernetes.io/build",
            "seccomp.security.alpha.kubernetes.io/pod",
            "security.alpha.kubernetes.io/sysctls",
            "album.dev/authorized-pipeline",
            "kubernetes.io/psp",
            "batch.kubernetes.io/job-completion-index",
            "openshift.io/required-scc",
            "security.openshift.io/scc",
            "io.kubernetes.cri-o.Devices",
            "io.katacontainers.config.hypervisor.path",
            "cdi.k8s.io/gpu",
            "devices.nri.io/container.build",
            "k8s.v1.cni.cncf.io/networks",
            "cni.projectcalico.org/ipAddrs",
            "inject.istio.io/templates",
            "sidecar.istio.io/userVolume",
        )
    ),
    Row(
        "spec.build.pod.annotations",
        {"a": "b\n"},
        "must be one line",
        "spec.build.pod.annotations[a]",
    ),
    Row("spec.build.pod.nodeSelector", {"kubernetes.io/arch": "arm64"}),
    Row("spec.build.pod.nodeSelector", {"-x": "y"}, "each key must be the name of a label"),
    *_rows(
        "spec.build.pod.tolerations",
        [{"key": "dedicated", "value": "builds", "effect": "NoSchedule"}],
        [{"key": "dedicated", "operator": "Exists"}, {"key": "dedicated"}],
        [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}],
    ),
    *(
        Row("spec.build.pod.tolerations", [given], said, f"spec.build.pod.tolerations[0].{name}")
        for given, said, name in (
            ({"operator": "Exists"}, "Required value", "key"),
            ({"key": "", "operator": "Exists"}, "tolerates every taint is not possible", "key"),
            ({"key": "a", "operator": "Exists", "value": "b"}, "leave value out", "value"),
            ({"key": "a", "operator": "exists"}, 'values: "Equal", "Exists"', "operator"),
            ({"key": "a", "effect": "Never"}, "supported values", "effect"),
            ({"key": "a", "tolerationSeconds": 5}, "effect: NoExecute only", "tolerationSeconds"),
        )
    ),
    Row("spec.build.pod.serviceAccountName", "builder"),
    Row("spec.build.pod.serviceAccountName", "a/b", "must be the name of an object"),
    Row("spec.build.pod.priorityClassName", "low"),
    Row("spec.build.pod.priorityClassName", "", "must be the name of an object"),
    Row("spec.build.pod.imagePullSecrets", [{"name": "pull"}]),
    Row(
        "spec.build.pod.imagePullSecrets",
        [{"name": "pull"}, {"name": "pull"}],
        "Duplicate value",
        "spec.build.pod.imagePullSecrets[1]",
    ),
    Row("spec.build.tags", ["latest", "Stable_1", "edge.nightly"]),
    *(
        Row("spec.build.tags", [tag], "a further tag must be", "spec.build.tags[0]")
        for tag in (
            "",
            ".x",
            "-x",
            "a/b",
            "a:b",
            "v1.2.3",
            "2024.11.03",
            "v1",
            "latest,x",
            "latest ",
            "latest\n",
        )
    ),
    Row("spec.build.tags", ["a", "a"], "Duplicate value", "spec.build.tags[1]"),
    Row(
        "spec.build.secrets",
        [{"name": "npmrc", "secretRef": {"name": "npm", "key": ".npmrc"}}],
    ),
    *(
        Row("spec.build.secrets", [given], said, f"spec.build.secrets[0].{field}")
        for given, said, field in (
            ({"name": "a,b", "secretRef": {"name": "a", "key": "b"}}, "must be the id", "name"),
            ({"name": "../a", "secretRef": {"name": "a", "key": "b"}}, "must be the id", "name"),
            (
                {"name": "a", "secretRef": {"name": "a", "key": ".."}},
                "must be a key of the Secret",
                "secretRef.key",
            ),
            ({"name": "a", "secretRef": {"name": "a"}}, "Required value", "secretRef.key"),
        )
    ),
    Row("spec.build.platforms", ["linux/arm64"]),
    Row("spec.build", {"type": "BuildKit", "platforms": ["linux/amd64", "linux/arm/v7"]}),
    Row("spec.build.platforms", ["linux/amd64", "linux/arm64"]),
    Row("spec.build", {"platforms": ["linux/amd64"], "proof": "Builder"}),
    Row("spec.build", {"platforms": ["linux/amd64"], "pushSecretRef": {}}),
    Row(
        "spec.build",
        {"platforms": ["linux/amd64", "linux/arm64"], "proof": "Builder"},
        "by a Job each, and the operator puts their index into the registry",
        "spec.build.proof",
    ),
    Row(
        "spec.build",
        {"type": "BuildKit", "platforms": ["linux/amd64", "linux/arm64"], "proof": "Builder"},
    ),
    Row(
        "spec.build",
        {"platforms": ["linux/amd64", "linux/arm64"], "pushSecretRef": {}},
        "the operator, which has no identity of its own, pushes their index",
        "spec.build.pushSecretRef",
    ),
    *(
        Row("spec.build.platforms", [name], "a platform must be linux/", "spec.build.platforms[0]")
        for name in ("amd64", "windows/amd64", "linux/amd64,linux/arm64", "linux/", "linux/arm/7")
    ),
    *(
        Row(
            "spec.build",
            {
                "platforms": ["linux/arm64"],
                "pod": {"nodeSelector": {"kubernetes.io/arch": architecture}},
            },
            said,
            "spec.build.pod.nodeSelector",
        )
        for architecture, said in (
            ("arm64", None),
            ("amd64", "leave kubernetes.io/arch out"),
            ("arm", "leave kubernetes.io/arch out"),
        )
    ),
    Row("spec.build.fetchResources", {"limits": {"cpu": "2", "memory": "2Gi"}}),
    Row("spec.build.fetchResources.limits.cpu", "65", QUANTITY),
    Row("spec.build.target", "release"),
    *_rows(
        "spec.build.target", "", "-x", "a b", "--push", refusal="target must be the name of a build"
    ),
    *_rows("spec.build.timeout", "10s", "30m", "1h30m", "24h"),
    Row("spec.build.source", {}),
    Row("spec.build.source", {"submodules": True, "lfs": False, "history": True}),
    Row("spec.build.cache", {}),
    *_rows("spec.build.cache.ttl", "1h", "336h", "8760h"),
    *_rows("spec.build.cache.ttl", "59m", "8761h", "14d", refusal=DURATION),
    *_rows("spec.build.cache.repository", "owner/caches", "cache"),
    Row("spec.build.cache.repository", "ghcr.io:443/owner", NO_TAG),
    Row("spec.build.cache.repository", "owner/app:cache", NO_TAG),
    Row(
        "spec.build.cache.repository",
        "/owner",
        "the image repository must be a path below the registry",
    ),
    *_rows(
        "spec.build.timeout", "", "9s", "25h", "30", "-30m", "1d", "1.5h", "30 m", refusal=DURATION
    ),
    Row("spec.build.timeout", "99999999999999h", DURATION),
    Row("spec.build.timeout", "9" * 19, TOO_LONG),
    Row("spec.build.timeout", 30, "must be of type string"),
    *_rows("spec.argocd.settle", "0s", "1h"),
    *_rows("spec.argocd.settle", "61m", "1h1s", refusal=DURATION),
    *_rows("spec.argocd.timeout", "5s", "48h", refusal=DURATION),
    *_rows("spec.build.resources.limits.cpu", "500m", "2", 2, "0.5", "64"),
    *_rows("spec.build.resources.limits.cpu", "0", "-1", "two", "65", 0, 1000, refusal=QUANTITY),
    *_rows("spec.build.resources.limits.memory", "512Mi", "4Gi", "1e9", 1073741824),
    *_rows("spec.build.resources.limits.memory", "513Gi", "lots", "", refusal=QUANTITY),
    Row("spec.build.resources.limits.memory", "1" * 33, TOO_LONG),
    Row("spec.build.resources.requests.ephemeral-storage", "4Gi"),
    Row("spec.build.resources.requests.ephemeral-storage", "1Ti", QUANTITY),
    Row(
        "spec.build.resources",
        {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
    ),
    *(
        Row(
            "spec.build.resources",
            {"requests": {name: more}, "limits": {name: less}},
            "a request must not be above its limit",
            "spec.build.resources.requests",
        )
        for name, more, less in (
            ("cpu", "1100m", 1),
            ("memory", "1Gi", "1000Mi"),
            ("ephemeral-storage", "2Gi", "1Gi"),
        )
    ),
    Row("spec.build.pushSecretRef.name", "registry.example.org"),
    Row("spec.build.pushSecretRef", {}),
    Row(
        "spec.build",
        {"type": "BuildKit", "pushSecretRef": {}},
        "BuildKit has no identity of its own",
        "spec.build.pushSecretRef",
    ),
    Row("spec.build.pushSecretRef.name", "../x", "must be the name of an object"),
    Row("spec.source.secretRef", {}, "Required value", "spec.source.secretRef.name"),
    Row("spec.source.secretRef.name", "A", "must be the name of an object"),
    Row("spec.config.secretRef.name", "A", "must be the name of an object"),
    Row("spec.config.forge.secretRef", {"name": "forge-token"}),
    *_rows("spec.config.forge.type", "Gitea", "GitHub"),
    Row("spec.config.forge.type", "Bitbucket", 'supported values: "Gitea", "GitHub"'),
    Row("spec.source.forge", {"type": "GitHub", "secretRef": {"name": "source-forge"}}),
    Row("spec.source.forge.type", "Bitbucket", 'supported values: "Gitea", "GitHub"'),
    Row("spec.feedback", {"commitStatus": True, "comment": True}),
    *DEPLOYMENTS,
    Row("spec.notifications", [{**SINK, "events": ["Released", "Failed"]}]),
    Row("spec.notifications", [SINK, {**SINK, "name": "bus", "format": "CloudEvents"}]),
    Row("spec.notifications", [SINK, SINK], "Duplicate value", "spec.notifications[1]"),
    *(
        Row("spec.notifications", [{**SINK, field: value}], said, f"spec.notifications[0].{path}")
        for field, value, said, path in (
            ("name", "Team", "a sink's name must be", "name"),
            ("format", "Teams", 'supported values: "CloudEvents", "Slack"', "format"),
            ("secretRef", {}, "Required value", "secretRef.name"),
            ("events", ["Done"], "supported values", "events[0]"),
            ("events", ["Failed", "Failed"], "Duplicate value", "events[1]"),
        )
    ),
    Row(
        "spec.notifications",
        [{**SINK, "name": f"s{count}"} for count in range(9)],
        "at most 8 items",
    ),
    *_rows("spec.policy.requireChecks", ["ci/test", "unit tests (3.11)"], []),
    Row(
        "spec.policy.requireChecks",
        ["a", "a"],
        "Duplicate value",
        "spec.policy.requireChecks[1]",
    ),
    Row("spec.policy.requireChecks", [f"c{count}" for count in range(17)], "at most 16 items"),
    *(
        Row("spec.policy.requireChecks", [name], said, "spec.policy.requireChecks[0]")
        for name, said in [
            (" ci", "one line without a blank at either end"),
            ("a\nb", "one line without a blank at either end"),
            ("", "one line without a blank at either end"),
            ("album/backend", "none of the operator's own"),
            ("c" * 101, "may not be more than 100"),
        ]
    ),
    *TRIGGERS,
    Row("spec.config.pullRequest", {}),
    *_rows("spec.config.pullRequest.merge", "Manual", "Auto"),
    Row("spec.config.pullRequest.merge", "Always", 'supported values: "Manual", "Auto"'),
    *_rows("spec.config.pullRequest.method", "Merge", "Squash", "Rebase"),
    Row("spec.config.pullRequest.method", "merge", 'supported values: "Merge"'),
    Row("spec.config.pullRequest", {"draft": True, "merge": "Manual"}),
    Row(
        "spec.config.pullRequest",
        {"draft": True, "merge": "Auto"},
        "a draft is not merged",
        "spec.config.pullRequest.draft",
    ),
    Row(
        "spec.config",
        {"delivery": "Commit", "pullRequest": {"labels": ["release"]}},
        "with delivery Commit there is no pull request",
        "spec.config.pullRequest",
    ),
    Row("spec.config.pullRequest.labels", ["release", "kind: é", "a"]),
    Row(
        "spec.config.pullRequest.labels",
        ["a,b"],
        "a label's name has no comma",
        "spec.config.pullRequest.labels[0]",
    ),
    Row(
        "spec.config.pullRequest.labels",
        [" a"],
        "a label's name has no comma",
        "spec.config.pullRequest.labels[0]",
    ),
    Row(
        "spec.config.pullRequest.labels",
        ["a\nb"],
        "a label's name has no comma",
        "spec.config.pullRequest.labels[0]",
    ),
    Row(
        "spec.config.pullRequest.labels",
        ["x" * 51],
        "Too long",
        "spec.config.pullRequest.labels[0]",
    ),
    Row(
        "spec.config.pullRequest.labels",
        [""],
        "should be at least 1 chars long",
        "spec.config.pullRequest.labels[0]",
    ),
    Row("spec.config.pullRequest.labels", [f"l{n}" for n in range(11)], "must have at most 10"),
    Row("spec.config.pullRequest.reviewers", ["ann", "ann-b", "a.b_c", "_a"]),
    Row(
        "spec.config.pullRequest.reviewers",
        ["-ann"],
        "should match",
        "spec.config.pullRequest.reviewers[0]",
    ),
    Row(
        "spec.config.pullRequest.assignees",
        ["ann@example.org"],
        "should match",
        "spec.config.pullRequest.assignees[0]",
    ),
    Row("spec.config.pullRequest.milestone", "Release 1.1"),
    Row("spec.config.pullRequest.milestone", "a\nb", "a milestone's title is one line"),
    Row("spec.config.pullRequest.milestone", "", "should be at least 1 chars long"),
    *_rows("spec.config.delivery", "PullRequest", "Commit"),
    Row("spec.config.delivery", "Push", 'supported values: "PullRequest", "Commit"'),
    Row("spec.config", {"delivery": "Commit", "forge": {"type": "Gitea"}}),
    *(
        Row(
            "spec.config",
            {"delivery": "Commit", "forge": forge},
            "with delivery Commit no forge is asked",
            "spec.config.forge",
        )
        for forge in ({"apiURL": "https://host"}, {"secretRef": {"name": "forge-token"}})
    ),
    Row("spec.config.author", {"name": "Jürgen O'Neill", "email": "j@example.org"}),
    *_rows(
        "spec.config.author.name",
        "A <a@b>",
        "a\nb",
        " ",
        ".",
        refusal="the author's name must be one line",
    ),
    *_rows(
        "spec.config.author.email",
        "",
        "a",
        "a b@c",
        "<a@b>",
        "a@b\nx",
        refusal="the author's email must be an address",
    ),
    Row("spec.argocd.namespace", "team-argocd"),
    Row("spec.argocd.namespace", "Argo/CD", "this must be a namespace"),
    *_rows("spec.argocd.sync", "Automated", "Operation", "Observe"),
    *_rows("spec.argocd.notice", True, False),
    *_rows("spec.argocd", {"sync": "Operation", "notice": True}, {"sync": "Observe"}),
    Row("spec.argocd", {"sync": "Observe", "notice": False}),
    Row(
        "spec.argocd",
        {"sync": "Observe", "notice": True},
        "nothing of the Applications is changed: leave notice out",
        "spec.argocd.notice",
    ),
    *_rows("spec.argocd.sync", "observe", "Never", refusal="Unsupported value"),
    *_rows(
        "spec.argocd",
        {"sync": "Observe", "syncPolicy": {}},
        {"sync": "Operation", "syncPolicy": {"selfHeal": True, "applyOutOfSyncOnly": True}},
    ),
    *(
        Row(
            "spec.argocd", {"sync": sync, "syncPolicy": policy}, NO_POLICY, "spec.argocd.syncPolicy"
        )
        for sync, policy in (
            ("Observe", {"prune": False}),
            ("Operation", {"selfHeal": False}),
            ("Operation", {"applyOutOfSyncOnly": False}),
        )
    ),
    *_rows("spec.argocd.olderImages", "Refuse", "Ignore"),
    *_rows("spec.argocd.olderImages", "ignore", "Accept", refusal="Unsupported value"),
    *_rows(
        REWRITTEN,
        [{"from": "ghcr.io", "to": "mirror.example.org/ghcr"}],
        [
            {"from": "ghcr.io/acme", "to": "mirror:5000"},
            {"from": "docker.io", "to": "m.example.org"},
        ],
    ),
    *(
        Row(REWRITTEN, [{"from": begin, "to": end}], said, f"{REWRITTEN}[0].{field}")
        for begin, end, said, field in (
            ("ghcr.io", "https://mirror.example.org", REGISTRY_PLACE, "to"),
            ("ghcr.io/acme:v1", "mirror.example.org", REGISTRY_PLACE, "from"),
            ("ghcr.io/", "mirror.example.org", REGISTRY_PLACE, "from"),
            ("ghcr.io", "ghcr.io", "from and to are the same place", "to"),
        )
    ),
    Row("spec.argocd.syncPolicy", {}),
    Row("spec.argocd.syncPolicy.prune", False),
    Row("spec.argocd.syncPolicy.selfHeal", "true", "must be of type boolean"),
    Row(
        "spec.apps[0].applications",
        [{"namespace": "argocd", "name": "x"}, {"namespace": "team", "name": "x"}],
    ),
    Row(
        "spec.apps[0].applications",
        [{"namespace": "argocd", "name": "x"}, {"namespace": "argocd", "name": "x"}],
        "Duplicate value",
        "spec.apps[0].applications[1]",
    ),
    Row(
        "spec.apps[0].applications",
        [{"namespace": "argocd", "name": "../x"}],
        "must be the name of an object",
        "spec.apps[0].applications[0].name",
    ),
    Row("spec.apps[0].applicationSelector", {"matchLabels": {"example.org/app": "backend"}}),
    Row("spec.apps[0].applicationSelector", {"matchLabels": {"app": ""}}),
    Row(
        "spec.apps[0].applicationSelector",
        {"matchLabels": {}},
        "should have at least 1 properties",
        "spec.apps[0].applicationSelector.matchLabels",
    ),
    Row(
        "spec.apps[0].applicationSelector",
        {},
        "Required value",
        "spec.apps[0].applicationSelector.matchLabels",
    ),
    Row(
        "spec.apps[0].applicationSelector",
        {"matchLabels": {"a/b/c": "x"}},
        "each key must be the name of a label",
        "spec.apps[0].applicationSelector.matchLabels",
    ),
    Row(
        "spec.apps[0]",
        {
            "name": "backend",
            "applications": [{"namespace": "argocd", "name": "x"}],
            "applicationSelector": {"matchLabels": {"app": "backend"}},
        },
        "an app's Applications are named or found by labels",
        "spec.apps[0].applicationSelector",
    ),
    Row("metadata.name", "a" * 63),
    Row("metadata.name", "a" * 64, "metadata.name must have at most 63 characters", "<nil>"),
]


def _edit_row(path: str, key: str, refusal: str | None = None, field: str = "path") -> Row:
    edits = [{"path": path, "key": key}]
    return Row("spec.apps[0].edits", edits, refusal, f"spec.apps[0].edits[0].{field}")


def _kustomize(key: str, value: str = "Tag") -> dict[str, str]:
    return {"path": "kustomization.yaml", "key": key, "value": value, "format": "Kustomize"}


EDITS = [
    _edit_row("backend/values.yaml", "image.tag"),
    _edit_row("values-prod.yaml", "containers.0.image-tag"),
    *(_edit_row(path, "image.tag", PATH) for path in BAD_PATHS),
    _edit_row(".", "image.tag", "path must be a file"),
    *(
        _edit_row("values.yaml", key, "key must be the names on the way", "key")
        for key in (
            *(
                "",
                ".",
                "image.",
                ".tag",
                "image..tag",
                "a b",
                "a\n",
                "a\tb",
                "a\x7f",
                "a\\",
                "a\\\n",
            ),
            *(
                "a[",
                "a[0",
                "a]",
                "a[]",
                "a[x]",
                "a[-1]",
                "a[x=]",
                "a[=x]",
                "a.[0]",
                "a[0]b",
                "a[[0]]",
            ),
            *("a[1000000]", "a[name=app", "a[name=[app]]", "a[x=y\n]"),
        )
    ),
    *(
        _edit_row("values.yaml", key)
        for key in (
            *("containers[name=app].image.tag", "args[0]", "[0].a", "a[0][12].b", "$x", "ключ.a=b"),
            *(r"labels.app\.kubernetes\.io/version", r"a\[0\].b\\c", r"a\ b", r"a[x=y z\]].b"),
            "images[name=ghcr.io/owner/app].newTag",
            ".".join("a" * 128),
        )
    ),
    _edit_row("values.yaml", "a." * 128 + "a", "may not be more than 256", "key"),
    Row(
        "spec.apps[0].edits",
        [{"path": "v.yaml", "key": "a.b"}, {"path": "v.yaml", "key": "a.b"}],
        "two edits set the same key of the same file",
    ),
    *(
        Row("spec.apps[0].edits", [{"path": "v.yaml", "key": "a", "document": document}])
        for document in ({"index": 0}, {"index": 999}, {"kind": "HelmRelease", "name": "a:b.c"})
    ),
    *(
        Row(
            "spec.apps[0].edits",
            [{"path": "v.yaml", "key": "a", "document": document}],
            "say which document either by index",
            "spec.apps[0].edits[0].document",
        )
        for document in (
            {},
            {"kind": "Deployment"},
            {"name": "web"},
            {"index": 0, "kind": "Deployment"},
            {"index": 0, "kind": "Deployment", "name": "web"},
        )
    ),
    *(
        Row(
            "spec.apps[0].edits",
            [{"path": "v.yaml", "key": "a", "document": document}],
            said,
            f"spec.apps[0].edits[0].document.{field}",
        )
        for document, field, said in (
            ({"index": -1}, "index", "should be greater than or equal to 0"),
            ({"index": 1000}, "index", "should be less than or equal to 999"),
            ({"kind": "De ployment", "name": "web"}, "kind", "kind must be that of an object"),
            ({"kind": "", "name": "web"}, "kind", "kind must be that of an object"),
            ({"kind": "Deployment", "name": "a b"}, "name", "name must be that of an object"),
        )
    ),
    Row(
        "spec.apps[0].edits",
        [
            {"path": "v.yaml", "key": "a"},
            {"path": "v.yaml", "key": "a", "document": {"index": 0}},
            {"path": "v.yaml", "key": "a", "document": {"index": 1}},
            {"path": "v.yaml", "key": "a", "document": {"kind": "Deployment", "name": "web"}},
            {"path": "v.yaml", "key": "a", "document": {"kind": "Deployment", "name": "api"}},
        ],
    ),
    *(
        Row(
            "spec.apps[0].edits",
            [{"path": "v.yaml", "key": "a", "document": document} for _ in "12"],
            "two edits set the same key of the same file",
        )
        for document in ({"index": 1}, {"kind": "Deployment", "name": "web"})
    ),
    Row("spec.apps[0].edits", [{"path": "v.yaml", "key": "a", "anchors": "Edit"}]),
    Row(
        "spec.apps[0].edits",
        [{"path": "v.yaml", "key": "a", "anchors": "Yes"}],
        'supported values: "Refuse", "Edit"',
        "spec.apps[0].edits[0].anchors",
    ),
    Row(
        "spec.apps[0].edits",
        [{"path": "v.yaml", "key": "a.b"}, {"path": "v.yaml", "key": "a.b", "value": "Digest"}],
        "two edits set the same key of the same file",
        "spec.apps[0].edits",
    ),
    *(
        Row(
            "spec.apps[0].edits",
            [{"path": "v.yaml", "key": "a.b", "value": value, "create": True}],
        )
        for value in ("Tag", "Digest", "Reference", "Repository")
    ),
    Row(
        "spec.apps[0].edits",
        [{"path": "v.yaml", "key": "a.b", "value": "Version"}],
        'supported values: "Tag", "Digest", "Reference", "Repository"',
        "spec.apps[0].edits[0].value",
    ),
    Row(
        "spec.apps[0].edits",
        [{"path": "v.yaml", "key": "a.b", "format": "Helm"}],
        'supported values: "YAML", "Kustomize"',
        "spec.apps[0].edits[0].format",
    ),
    *(
        Row("spec.apps[0].edits", [_kustomize(key)])
        for key in (
            "app",
            "ghcr.io/owner/album-app-backend",
            "localhost:5000/a/b_c",
            "IMAGE",
            "a:b",
        )
    ),
    *(
        Row(
            "spec.apps[0].edits",
            [_kustomize(key)],
            "key must be the name of an entry of the kustomization's images",
            "spec.apps[0].edits[0].key",
        )
        for key in ("", "/a", "a/", "-a", "a b", "a@sha256", "a\n", "$x", "a*")
    ),
    Row(
        "spec.apps[0].edits",
        [_kustomize("app"), _kustomize("app", "Digest"), _kustomize("app", "Repository")],
    ),
    Row(
        "spec.apps[0].edits",
        [_kustomize("app"), _kustomize("app")],
        "two edits set the same key of the same file",
    ),
    Row(
        "spec.apps[0].edits",
        [_kustomize("app", "Reference")],
        "value cannot be Reference where format is Kustomize",
        "spec.apps[0].edits[0].value",
    ),
    Row(
        "spec.apps[0].edits",
        [{"path": "v.yaml", "key": f"a{i}"} for i in range(17)],
        "must have at most 16 items",
    ),
]
