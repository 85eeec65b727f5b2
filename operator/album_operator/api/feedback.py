"""Where developers are told how a release went."""

from typing import Annotated

from pydantic import Field

from album_operator.api.model import Model, Rule
from album_operator.api.predicates import matches

EnvironmentName = Annotated[
    str,
    Field(max_length=255, examples=["production"]),
    Rule(
        matches(r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?"),
        "the environment must be one line without a blank at either end.",
    ),
]


class Deployment(Model):
    """A deployment that GitHub shows beside the source."""

    environment: EnvironmentName = Field(description="Name of GitHub's environment.")


class Feedback(Model):
    """Where developers are told how a release went; what cannot be written is only logged."""

    commit_status: bool = Field(
        False,
        description=(
            "Set a commit status album/<app> on the source commit: pending, success or failure."
        ),
    )
    comment: bool = Field(
        False, description="Comment on the pull request when its release has ended."
    )
    deployment: Deployment | None = Field(
        None,
        description=(
            "Show the release as a deployment of the source commit: in_progress, success or "
            "failure, and inactive once another version of the app has taken its place. GitHub "
            "only."
        ),
    )


_HAS_TYPE = "(has(self.source.forge) && has(self.source.forge.type))"
_HOST = r"r'(?i)^[a-z]+://([^/@]*@)?(ssh\.)?github\.com(:[0-9]+)?/'"

DEPLOYMENT_ON_GITHUB = Rule(
    "!has(self.feedback) || !has(self.feedback.deployment) || "
    f"({_HAS_TYPE} ? self.source.forge.type == 'GitHub' : self.source.repository.matches({_HOST}))",
    "Gitea has no deployments: set spec.source.forge.type to GitHub where the source is on one, or "
    "leave deployment out.",
    ".feedback.deployment",
)
