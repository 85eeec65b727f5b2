"""Answers that say no, in GitHub's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

DOCUMENTATION = "https://docs.github.com/rest"


class RefusedError(Exception):
    """GitHub does not do it; the message is its own."""


class ApiError(Exception):
    """A REST request that is answered with an error.

    Args:
        status: of the answer.
        message: GitHub's own sentence.
        errors: the details of a 422.
        headers: more headers of the answer.
        documentation_url: where GitHub explains it.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[object] | None = None,
        headers: Mapping[str, str] | None = None,
        documentation_url: str = DOCUMENTATION,
    ) -> None:
        super().__init__(status, message, errors)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})
        self.documentation_url = documentation_url

    @property
    def body(self) -> dict[str, object]:
        """The JSON of the answer."""
        body: dict[str, object] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        # GitHub repeats the status as text.
        return {
            **body,
            "documentation_url": self.documentation_url,
            "status": str(self.status),
        }


def not_found() -> ApiError:
    """Make the answer for what is not there or must not be seen."""
    return ApiError(404, "Not Found")


def invalid(
    resource: str, message: str, field: str | None = None, code: str = "custom"
) -> ApiError:
    """Make the 422 for a wish that does not fit."""
    error = {"resource": resource, "code": code}
    if field is not None:
        error["field"] = field
    if message:
        error["message"] = message
    return ApiError(422, "Validation Failed", errors=[error])
