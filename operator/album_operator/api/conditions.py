"""Conditions, and what is missing, as the statuses of both resources tell them."""

from typing import Annotated, Literal

from pydantic import Field

from album_operator.api.model import Model
from album_operator.api.types import Message, Timestamp, Word


class Condition(Model):
    """One aspect of where the object stands."""

    type: Word = Field(description="Name of the condition, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: Word = Field(description="Why, in one word.")
    message: Message = Field("", description="Why, and what happens or has to be done next.")
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Generation of the spec it is about."
    )
    last_transition_time: Timestamp = Field(description="When status last changed.")


class MissStatus(Model):
    """One of the things that are missing or wrong."""

    reason: Word = Field(description="Why, in one word.")
    message: Message = Field(description="What is so.")
    remedy: Message = Field("", description="What to do about it.")
