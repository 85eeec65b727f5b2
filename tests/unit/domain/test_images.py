"""What a text says of an image."""

import pytest

from album_operator.domain import images

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"
OURS = f"sha256:{'f' * 64}"


@pytest.mark.parametrize(
    ("text", "name", "digest"),
    [
        (f"v1.2.0@{DIGEST}", "v1.2.0", DIGEST),
        ("v1@sha256:bbb…", "v1", "sha256:bbb…"),
        (f"ghcr.io/o/n:v1@{DIGEST}", "ghcr.io/o/n:v1", DIGEST),
        ("v1.2.0", "v1.2.0", ""),
        ("me@example.org", "me@example.org", ""),
        (f"@{DIGEST}", f"@{DIGEST}", ""),
        ("foo@sha256", "foo@sha256", ""),
        ("", "", ""),
    ],
)
def test_a_pin_is_split_from_what_it_pins(text: str, name: str, digest: str) -> None:
    assert images.split_pin(text) == (name, digest)
    assert not digest or images.pinned(name, digest) == text


def test_where_no_digest_is_known_nothing_is_pinned() -> None:
    assert images.pinned("v1.0.0", "") == "v1.0.0"


@pytest.mark.parametrize(
    ("present", "written"),
    [
        (DIGEST, OURS),
        (f"@{DIGEST}", f"@{OURS}"),
        (HEX, "f" * 64),
        (f"@{HEX}", f"@{'f' * 64}"),
        ("", OURS),
        ("sha256:old", OURS),
        ("to be filled in", OURS),
    ],
)
def test_a_digest_is_written_in_the_form_that_stands_there(present: str, written: str) -> None:
    assert images.as_written(OURS, present) == written


@pytest.mark.parametrize("text", [DIGEST, HEX, "sha512:ab", "@sha256:0", f"@{HEX}"])
def test_a_digest_is_told_from_a_tag(text: str) -> None:
    assert images.is_digest(text)


@pytest.mark.parametrize("text", ["v1.0.0", "", "abc123", HEX[:40], HEX.upper(), "md5:1"])
def test_a_tag_is_no_digest(text: str) -> None:
    assert not images.is_digest(text)


@pytest.mark.parametrize(
    "text",
    [
        "nginx:1.27.0",
        "ghcr.io/owner/app:v1",
        "localhost:5000/app:v1",
        f"localhost:5000/app@{DIGEST}",
        f"nginx:1@{DIGEST}",
        "Owner/App:v1",
    ],
)
def test_a_whole_reference_has_a_tag_or_digest(text: str) -> None:
    assert images.is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v1.0.0",
        "nginx",
        "ghcr.io/owner/app",
        "localhost:5000/app",
        "redis:6379",
        "0.0.0.0:8080",
        "https://example.org/x:y",
        f"v1@{DIGEST}",
        "a: b",
        "/data:/data:ro",
        "*/5 * * * *",
    ],
)
def test_other_texts_are_no_whole_reference(text: str) -> None:
    assert not images.is_reference(text)


@pytest.mark.parametrize(
    "name",
    [
        "acme/shop",
        "docker.io/acme/shop:v1",
        "index.docker.io/acme/shop",
        f"registry-1.docker.io/acme/shop@{DIGEST}",
        "DOCKER.io/acme/shop",
    ],
)
def test_docker_hub_has_several_names(name: str) -> None:
    assert images.is_same_image(name, "docker.io/acme/shop:v2")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("nginx", "docker.io/library/nginx:1", True),
        ("localhost/nginx", "nginx", False),
        ("localhost:5000/nginx", "localhost:5000/nginx:1", True),
        ("ghcr.io/acme/shop", "acme/shop", False),
        ("ghcr.io/acme/shop", "ghcr.io/acme/shop-api", False),
    ],
)
def test_images_of_one_repository_are_the_same(one: str, other: str, same: bool) -> None:
    assert images.is_same_image(one, other) is same


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("acme/shop:v1.1.0", "docker.io/acme/shop:v1.1.0"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx"),
        (f"registry-1.docker.io/nginx:1@{DIGEST}", f"docker.io/library/nginx:1@{DIGEST}"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        ("GHCR.io/acme/shop:V1", "ghcr.io/acme/shop:V1"),
        ("localhost/shop", "localhost/shop"),
        ("registry.example.org:5000/shop:1", "registry.example.org:5000/shop:1"),
    ],
)
def test_a_reference_in_full_names_its_registry_and_folder(reference: str, full: str) -> None:
    assert images.in_full(reference) == full
    assert images.in_full(full) == full
    assert images.registry_of(reference) == full.split("/", 1)[0]


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("https://index.docker.io/v1/", "index.docker.io"),
        ("registry.example.org:5000", "registry.example.org:5000"),
        ("http://registry.example.org:5000/v2/", "registry.example.org:5000"),
        ("ghcr.io/acme", "ghcr.io"),
        ("", ""),
    ],
)
def test_a_key_of_a_docker_configuration_is_a_host_or_a_url(key: str, host: str) -> None:
    assert images.host_in(key) == host


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("imageDigest", {"image", "digest"}),
        ("image_digest", {"image", "digest"}),
        ("image-digest", {"image", "digest"}),
        ("imagedigest", {"image", "digest"}),
        ("imageSHA256", {"image", "sha256"}),
        ("tagDigest", {"tag", "digest"}),
        ("IMAGE_TAG", {"image", "tag"}),
        ("sharedImage", {"shared", "image"}),
        ("defaultAirflowTag", {"default", "airflow", "tag"}),
        ("v2Tag", {"v2", "tag"}),
        ("", set()),
    ],
)
def test_a_name_is_its_words(name: str, words: set[str]) -> None:
    assert images.words_of(name) == words


@pytest.mark.parametrize(
    ("reference", "before", "after", "renamed"),
    [
        ("m.example.org/ghcr/a/b:1", "m.example.org/ghcr", "ghcr.io", "ghcr.io/a/b:1"),
        (
            "m.example.org:5000/a@sha256:0",
            "m.example.org:5000",
            "ghcr.io/x",
            "ghcr.io/x/a@sha256:0",
        ),
        ("m.example.org/ghcr2/a:1", "m.example.org/ghcr", "ghcr.io", "m.example.org/ghcr2/a:1"),
        ("redis:7", "docker.io", "m.example.org", "m.example.org/library/redis:7"),
        ("index.docker.io/acme/a", "registry-1.docker.io/acme", "ghcr.io/b", "ghcr.io/b/a"),
        ("redis:7", "m.example.org", "docker.io", "redis:7"),
    ],
)
def test_an_image_of_one_place_is_one_of_another(
    reference: str, before: str, after: str, renamed: str
) -> None:
    assert images.renamed(reference, before, after) == renamed
