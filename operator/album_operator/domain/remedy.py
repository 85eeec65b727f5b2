"""What is so and the way out of it as one sentence, and the annotation that is set afterwards."""

RETRY = "album.dev/retry"
"""Annotation of a release that asks for another attempt."""

SET_RETRY = f"set the annotation {RETRY}"

SENTENCE_LENGTH = 640
"""Most characters of a sentence that a status shows whole."""

THEN_RETRY = f", then {SET_RETRY}."


def in_words(message: str, remedy: str, ending: str) -> str:
    """Put together what people read.

    Args:
        message: what is so, in whole sentences.
        remedy: what a person does about it, without the end of its sentence; empty for nothing.
        ending: that end.
    """
    return f"{message} {remedy}{ending}" if remedy else message
