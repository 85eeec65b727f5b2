"""An image's references, and the node its platforms want."""

import pytest

from album_operator.domain.build_outputs import architecture_of, references


def test_an_image_has_one_reference_for_each_tag_the_versions_first() -> None:
    assert references("r.example.org:5000/a/b:v1.0.0", ["latest", "edge"]) == (
        "r.example.org:5000/a/b:v1.0.0",
        "r.example.org:5000/a/b:latest",
        "r.example.org:5000/a/b:edge",
    )
    assert references("ghcr.io/a/b:v1", ()) == ("ghcr.io/a/b:v1",)


@pytest.mark.parametrize(
    ("platforms", "architecture"),
    [
        ((), None),
        (("linux/arm64",), "arm64"),
        (("linux/arm/v6", "linux/arm/v7"), "arm"),
        (("linux/amd64", "linux/arm64"), None),
    ],
)
def test_platforms_of_one_architecture_name_it(
    platforms: tuple[str, ...], architecture: str | None
) -> None:
    assert architecture_of(platforms) == architecture
