"""The part of an AlbumPipeline that says what of the source repository a build gets."""

from pydantic import Field

from album_operator.api.model import Model


class BuildSource(Model):
    """What of the source repository goes into the build context."""

    submodules: bool | None = Field(
        None,
        description=(
            "true fetches the submodules in the build context, false leaves their folders empty. "
            "Unset, a context with a submodule is refused."
        ),
    )
    lfs: bool | None = Field(
        None,
        description=(
            "true fetches the files in the build context that Git LFS keeps, false leaves the "
            "pointers to them as they are. Unset, a context with such a pointer is refused."
        ),
    )
    history: bool = Field(
        False,
        description=(
            "Put .git into the build context, with the commit's history and tags, as git describe "
            "needs it."
        ),
    )


class ResolvedBuildSource(Model):
    """What of the source repository goes into the build context."""

    submodules: bool | None = Field(
        None, description="Whether submodules are fetched; unset refuses them."
    )
    lfs: bool | None = Field(
        None, description="Whether files of Git LFS are fetched; unset refuses pointers to them."
    )
    history: bool | None = Field(None, description="Whether the context has .git; false if unset.")
