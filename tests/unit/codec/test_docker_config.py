"""The push credential as builders find it."""

import base64
import json

import pytest

from album_operator.codec.docker_config import (
    access_in,
    credential_in,
    for_builders,
)
from album_operator.domain.registry_access import RegistryAccess

KEY = "https://index.docker.io/v1/"
OURS = {"auth": "b3Vyczp3b3Jk"}
OTHER = {"auth": "b3RoZXI6d29yZA=="}


@pytest.mark.parametrize(
    "key", ["docker.io", "index.docker.io", "https://registry-1.docker.io/v2/", "Docker.io", KEY]
)
def test_a_credential_for_docker_hub_is_put_where_builders_look(key: str) -> None:
    config = json.dumps({"auths": {"ghcr.io": OTHER, key: OURS}, "credsStore": "x"})
    found = json.loads(for_builders(config))

    assert found["auths"] == {"ghcr.io": OTHER, key: OURS, KEY: OURS}
    assert found["credsStore"] == "x"


def test_a_credential_that_stands_there_already_is_kept() -> None:
    config = json.dumps({"auths": {"docker.io": OTHER, KEY: OURS}})

    assert json.loads(for_builders(config)) == {"auths": {"docker.io": OTHER, KEY: OURS}}


def test_credentials_for_other_registries_are_left_alone() -> None:
    config = {"auths": {"ghcr.io": OTHER, "docker.io.example.org": OURS}}

    assert json.loads(for_builders(json.dumps(config))) == config


def test_the_registries_of_a_configuration_are_told_without_a_credential() -> None:
    config = {
        "auths": {
            "ghcr.io": OURS,
            "https://quay.io/v2/": {"username": "u", "password": "p"},
            "r:5000": {"identitytoken": "t"},
            "a.example.org": {"registrytoken": "t"},
            # What Docker leaves where a program keeps the password.
            "b.example.org": {},
            "c.example.org": None,
        },
        "credHelpers": {"https://d.example.org": "ecr-login"},
        "credsStore": "desktop",
    }

    assert access_in(json.dumps(config)) == RegistryAccess(
        frozenset({"ghcr.io", "quay.io", "r:5000", "a.example.org"}),
        {"d.example.org": "ecr-login"},
        "desktop",
    )


@pytest.mark.parametrize(
    "config", [{"credHelpers": {"d.example.org": "gcr"}}, {"credsStore": "gcr"}]
)
def test_a_configuration_of_programs_alone_is_one(config: dict[str, object]) -> None:
    assert access_in(json.dumps(config)).program_for("d.example.org") == "gcr"
    assert json.loads(for_builders(json.dumps(config))) == config
    assert credential_in(json.dumps(config), "d.example.org/a", "push") is None


def test_what_is_no_list_of_programs_is_none() -> None:
    config = {"auths": {"ghcr.io": OURS}, "credHelpers": ["x"], "credsStore": 7}

    assert access_in(json.dumps(config)) == RegistryAccess(frozenset({"ghcr.io"}))


@pytest.mark.parametrize(
    ("auth", "is_read"),
    [
        ("dTpw", True),
        ("", True),
        # Of an identity token the user alone (Azure).
        ("MDAwMDo=", True),
        ("dTpwYXNzd29y\r\nZA==\n", True),
        ("dTr/", True),
        # docker-credential-desktop pads nothing (kubernetes/kubernetes#82147).
        ("dTpwYQ", False),
        (" dTpw", False),
        ("dTpw_-_-", False),
        ("u:p", False),
        ("bm9ib2R5", False),
        ("OnBhc3N3b3Jk", False),
    ],
)
def test_an_entry_that_no_builder_can_read_is_told_of_though_it_is_anothers(
    auth: str, *, is_read: bool
) -> None:
    config = json.dumps({"auths": {"ghcr.io": OURS, "https://r.example.org/v2/": {"auth": auth}}})
    access = access_in(config)
    assert access.unreadable == (frozenset() if is_read else {"r.example.org"})
    assert access.has_entry("ghcr.io")
    assert access.has_entry("r.example.org") is (is_read and bool(auth))


@pytest.mark.parametrize("bad_first", [True, False])
def test_of_several_entries_of_one_host_each_is_looked_at(*, bad_first: bool) -> None:
    entries = [("ghcr.io/a", OURS), ("ghcr.io/b", {"auth": "dTpwYQ"}), ("ghcr.io/c", {})]
    access = access_in(json.dumps({"auths": dict(reversed(entries) if bad_first else entries)}))

    assert access.hosts == {"ghcr.io"}
    assert access.unreadable == {"ghcr.io"}


@pytest.mark.parametrize("text", ["", "s3cret", "[]", "{}", '{"auths": 7}', "[" * 100_000])
def test_what_is_no_docker_configuration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        for_builders(text)

    assert "s3cret" not in str(caught.value)


def _auth(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("auths", "image", "wanted"),
    [
        ({"ghcr.io": {"auth": _auth("acme:a:b")}}, "ghcr.io/acme/shop:v1", ("acme", "a:b")),
        ({"https://ghcr.io/": {"username": "u", "password": "p"}}, "ghcr.io/acme/shop", ("u", "p")),
        ({"GHCR.io": {"auth": _auth("u:p\0")}}, "ghcr.io/acme/shop", ("u", "p")),
        ({KEY: {"auth": _auth("u:p")}}, "acme/shop:v1", ("u", "p")),
        ({"docker.io": {"auth": _auth("u:p")}}, "registry-1.docker.io/acme/shop", ("u", "p")),
        (
            {
                "reg.example.org:5000": {"auth": _auth("all:p")},
                "reg.example.org:5000/acme": {"auth": _auth("acme:p")},
                "reg.example.org:5000/acme/shop": {"auth": _auth("shop:p")},
                "reg.example.org:5000/acme/shopping": {"auth": _auth("shopping:p")},
            },
            "reg.example.org:5000/acme/shop:v1",
            ("shop", "p"),
        ),
        ({"https://reg.example.org/v2/": {"auth": _auth("u:p")}}, "reg.example.org/a", ("u", "p")),
    ],
)
def test_the_entry_of_an_images_registry_is_found(
    auths: dict[str, object], image: str, wanted: tuple[str, str]
) -> None:
    found = credential_in(json.dumps({"auths": auths}), image, "push")

    assert found is not None
    assert (found.username, found.password) == wanted
    assert found.secret == "push"


def test_tokens_of_both_kinds_are_found_and_all_registries_are_known() -> None:
    auths = {
        "docker.io": {"identitytoken": "refresh"},
        "ghcr.io": {"registrytoken": "bearer"},
    }
    config = json.dumps({"auths": auths})
    of_hub, of_ghcr = (credential_in(config, f"{host}/a/b", "push") for host in auths)

    assert of_hub is not None
    assert of_ghcr is not None
    assert (of_hub.identity_token, of_ghcr.registry_token) == ("refresh", "bearer")
    assert of_hub.others == {"docker.io", "ghcr.io"}


@pytest.mark.parametrize(
    "auths",
    [
        {},
        {"ghcr.io.example.org": {"auth": _auth("u:p")}},
        {"ghcr.io": {}},
        {"ghcr.io": {"auth": "%%%"}},
        {"ghcr.io": {"auth": _auth("nobody")}},
        {"ghcr.io": {"auth": base64.b64encode(b"\xff:\xff").decode()}},
        {"ghcr.io": "text"},
        {"ghcr.io/acme/shop-admin": {"auth": _auth("u:p")}},
    ],
)
def test_where_nothing_is_for_a_registry_there_is_no_credential(auths: dict[str, object]) -> None:
    assert credential_in(json.dumps({"auths": auths}), "ghcr.io/acme/shop:v1", "push") is None


def test_an_entry_that_says_nothing_hides_no_other() -> None:
    pair = base64.b64encode(b"acme:word").decode()
    auths = {"docker.io": {}, "index.docker.io": {"auth": pair}}
    found = credential_in(json.dumps({"auths": auths}), "acme/shop", "push")

    assert found is not None
    assert (found.username, found.password) == ("acme", "word")


def test_of_docker_hubs_names_the_one_that_builders_look_for_counts() -> None:
    auths = {
        "docker.io": {"username": "other", "password": "word"},
        KEY: {"username": "acme", "password": "word"},
    }
    found = credential_in(json.dumps({"auths": auths}), "acme/shop", "push")

    assert found is not None
    assert found.username == "acme"


def test_a_url_is_of_the_whole_registry_as_for_builders() -> None:
    auths = {"https://acme.example.org/artifactory/api": {"username": "acme", "password": "word"}}
    image = "acme.example.org/acme/shop"

    assert credential_in(json.dumps({"auths": auths}), image, "push") is not None
