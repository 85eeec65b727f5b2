"""A comment of ours is known again, and nobody's words are taken for it."""

import pytest

from album_operator.adapters.comment_markers import last_line, marker_of


@pytest.mark.parametrize("key", ["", "a b", "a-->b", "a--b", "a\nb", "a" * 201, "ä"])
def test_what_could_end_the_line_early_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="is no key of a comment"):
        marker_of(key)


@pytest.mark.parametrize("end", ["", "\n", " \r\n", "\n\n"])
def test_ours_ends_with_its_marker(end: str) -> None:
    marker = marker_of("backend-v1.1.0/closed@1")
    assert last_line(f"It is closed.\r\n\r\n{marker}{end}") == marker


@pytest.mark.parametrize(
    "text",
    [None, "", "> It is closed.\n>\n> {}\n\nWhy?", "{}\nWhy?", "> {}", "see {}"],
)
def test_a_quotation_of_ours_is_not_ours(text: str | None) -> None:
    marker = marker_of("closed")
    assert last_line(text and text.format(marker)) != marker
