"""What `album plan` says of an object is what the API server says, tried by mutations.

Each field of the CRDs' schemas gets each of some bad and good values.
"""

import http.client
import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import yaml

from album_cli.admission import NotAdmittedError, admit
from album_cli.manifests import documents_of
from album_operator.api.crd import schema_of
from album_operator.codec import parse_pipeline, parse_release
from tests.integration.apiserver import Answer, ApiServer
from tests.integration.mutations import mutations
from tests.integration.objects import Raw, changed, collection, pipeline, release

DRY_RUN = "?dryRun=All&fieldValidation=Strict"

WHOLE_PIPELINE = changed(
    changed(
        pipeline(),
        "spec.build",
        {
            "args": [{"name": "GO_VERSION", "value": "1.27"}],
            "resources": {"requests": {"cpu": 1}, "limits": {"cpu": "2", "memory": "1Gi"}},
            "pod": {
                "labels": {"example.org/team": "web"},
                "annotations": {"sidecar.istio.io/inject": "false"},
                "tolerations": [{"key": "dedicated", "value": "builds"}],
                "imagePullSecrets": [{"name": "pull"}],
            },
        },
    ),
    "spec.apps[0]",
    {
        "name": "backend",
        "edits": [{"path": "backend/values.yaml", "key": "image.tag"}],
        "applications": [{"namespace": "argocd", "name": "backend"}],
    },
)


@dataclass(frozen=True)
class Verdict:
    """What is said of an object: the fields it is refused for, none where it is admitted."""

    fields: frozenset[str]
    message: str = ""


UNREADABLE = Verdict(frozenset({"no YAML"}))


class Admission:
    """The API server's verdicts, over one connection."""

    def __init__(self, server: ApiServer) -> None:
        context = ssl.create_default_context(cafile=str(server.ca))
        address = urlsplit(server.url).netloc
        self._connection = http.client.HTTPSConnection(address, context=context, timeout=30)
        self._token = server.token

    def judge(self, raw: Raw) -> Verdict:
        """Try to create an object."""
        return self._judge(raw["kind"], json.dumps(raw), "application/json")

    def judge_yaml(self, text: str) -> Verdict:
        """Try to create an AlbumPipeline from YAML, which the API server reads itself."""
        return self._judge("AlbumPipeline", text, "application/yaml")

    def _judge(self, kind: str, body: str, media_type: str) -> Verdict:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": media_type}
        headers["Accept"] = "application/json"
        path = collection({"kind": kind}, "default") + DRY_RUN
        self._connection.request("POST", path, body.encode(), headers)
        response = self._connection.getresponse()
        answer = Answer(response.status, json.loads(response.read()))
        if answer.status == 201:
            return Verdict(frozenset())
        if answer.status == 400:
            # The decoder names no causes.
            unknown = re.findall(r'unknown field "([^"]*)"', answer.message)
            return Verdict(frozenset(unknown), answer.message) if unknown else UNREADABLE
        # The object itself is no field; nor is the note that rules were not tried.
        return Verdict(answer.fields - {"<nil>", ""}, answer.message)

    def close(self) -> None:
        self._connection.close()


def of_the_plan(raw: Raw) -> Verdict:
    try:
        admitted = admit(raw)
    except NotAdmittedError as error:
        fields = frozenset(fault.field for fault in error.faults)
        return Verdict(fields - {""}, str(error))
    metadata = {"namespace": "", "uid": "", "generation": 0, "resourceVersion": ""}
    metadata |= {"creationTimestamp": "1970-01-01T00:00:00Z", **admitted["metadata"]}
    read = parse_release if raw["kind"] == "AlbumRelease" else parse_pipeline
    read({**admitted, "metadata": metadata})
    return Verdict(frozenset())


@pytest.fixture(scope="module")
def admission(crds_installed: ApiServer) -> Iterator[Admission]:
    admission = Admission(crds_installed)
    yield admission
    admission.close()


@pytest.mark.parametrize(
    "raw",
    [release(), release(app="backend", version="v1.1.0"), WHOLE_PIPELINE],
    ids=["by tag", "by app and version", "a pipeline"],
)
def test_a_mutation_is_refused_for_the_same_fields(admission: Admission, raw: Raw) -> None:
    refused = 0
    for mutation in mutations(raw, schema_of(raw["kind"])):
        mutated = mutation.apply(raw)
        server, plan = admission.judge(mutated), of_the_plan(mutated)
        assert plan.fields == server.fields, f"{mutation}\n{server}\n{plan}"
        refused += bool(server.fields)
    assert refused > 50


METADATA = (
    *({"name": name} for name in ("A_b", "a.b-c", "", "a" * 253, "a" * 254, "a\n", None, "-a")),
    *({"name": "a", "labels": labels} for labels in ({}, None, {"a": "b"}, {"a": ""})),
    *({"name": "a", "annotations": {"a": value}} for value in ("b\n", "", "é")),
    {"name": "a", "finalizers": ["example.org/a"], "generateName": "b-"},
    {"name": "a", "spce": 1},
    {},
)


@pytest.mark.parametrize("metadata", METADATA, ids=str)
def test_metadata_are_refused_for_the_same_fields(admission: Admission, metadata: Raw) -> None:
    raw = {**release(), "metadata": metadata}

    assert of_the_plan(raw).fields == admission.judge(raw).fields


@pytest.mark.parametrize("name", ["spce", "Spec", "status"])
def test_a_field_beside_the_spec_is_judged_alike(admission: Admission, name: str) -> None:
    for raw in (release(), pipeline()):
        raw = {**raw, name: {}}

        assert of_the_plan(raw).fields == admission.judge(raw).fields


# What kubectl and the API server read with Go's rules, and PyYAML partly otherwise.
SCALARS = (
    *("y", "n", "Y", "yes", "on", "Off", "TRUE", "tRue", "yEs", "~", "null", "Null", "''", '"1"'),
    *("010", "08", "09.", "0o10", "0o8", "0b11", "0b2", "0x1F", "0X1F", "-0x1", "0x_1F", "-010"),
    *("1_000", "1__0", "_1", "+_5", "5_", "1_0.5", "._5", "1:20", "1:2:3", "12:30:45.5", "1.2.3"),
    *("1e3", "1E3", "1e+3", "12e5678", "1.5e3", ".5", "5.", "+.5", ".e3", "1.e+3", "1e", "1e400"),
    *("1e18", "1e19", "1e21", "1e-2", "-0", "-0.0", "0.0", "00", "=", "<<", "1,000", ".Nan", ".5_"),
    *("2026-11-28", "2001-12-14T21:59:43Z", "!!timestamp 2026-11-28", "!!binary YQ==", "!!str 1"),
    *("!!int '5'", "!!float 1", "!!null ''", ".inf", "-.INF", ".nan", '"\\ud800"', '"\\0"', "- 1"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616"),
    *(
        "-9223372036854775809",
        "0xffffffffffffffff",
        "0xfffffffffffffffff",
        "0777777777777777777777",
    ),
)

STREAM = """\
apiVersion: album.dev/v1alpha1
kind: AlbumPipeline
metadata: {name: album-app}
spec:
  source: {repository: https://git.example.org/owner/album-app}
  apps: [{name: backend}]
  build: {args: [{name: X, value: V}]}
"""


LAUGHS = f"[&l0 [ha, ha], {', '.join(f'&l{n} [*l{n - 1}, *l{n - 1}]' for n in range(1, 40))}]"
"""Two words, doubled 39 times by aliases."""


def of_the_plans_yaml(text: str) -> Verdict:
    try:
        (raw,) = documents_of(text.encode())
    except (yaml.YAMLError, ValueError, RecursionError):
        return UNREADABLE
    return of_the_plan(raw)


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_text_of_yaml_is_of_the_same_type(admission: Admission, scalar: str) -> None:
    text = STREAM.replace("value: V", f"value: {scalar}")

    server, plan = admission.judge_yaml(text), of_the_plans_yaml(text)

    assert plan.fields == server.fields, (server, plan)
    # The words name the type: no text is one for a reason of its own.
    for word in ("boolean", "number", "integer"):
        assert (f"not {word}" in plan.message) == (f'type string: "{word}"' in server.message)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{name: backend}", "{name: backend, name: frontend}"),
        ("{name: backend}", "{<<: {name: backend}}"),
        ("{name: backend}", "{name: backend, 1: x}"),
        ("{name: backend}", "{name: backend, on: x}"),
        ("{name: backend}", "{name: backend, ~: x}"),
        ("{name: backend}", "{name: backend, tagPrefix: ~}"),
        ("[{name: backend}]", "[{name: backend}, ~]"),
        ("[{name: backend}]", "&a [*a]"),
        ("[{name: backend}]", LAUGHS),
        ("metadata: {", "metadata:\t{"),
        ("apiVersion", "\ufeffapiVersion"),
        ("apiVersion", "%YAML 1.1\n---\napiVersion"),
        ("apiVersion", "%YAML 1.2\n---\napiVersion"),
    ],
)
def test_a_file_of_yaml_is_judged_alike(admission: Admission, old: str, new: str) -> None:
    text = STREAM.replace(old, new)

    assert of_the_plans_yaml(text).fields == admission.judge_yaml(text).fields
