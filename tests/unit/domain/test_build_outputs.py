"""An image's references."""

from album_operator.domain.build_outputs import references


def test_an_image_has_one_reference_for_each_tag_the_versions_first() -> None:
    assert references("r.example.org:5000/a/b:v1.0.0", ["latest", "edge"]) == (
        "r.example.org:5000/a/b:v1.0.0",
        "r.example.org:5000/a/b:latest",
        "r.example.org:5000/a/b:edge",
    )
    assert references("ghcr.io/a/b:v1", ()) == ("ghcr.io/a/b:v1",)
