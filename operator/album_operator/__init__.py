"""The operator: takes an AlbumRelease from a git tag to a Healthy Argo CD Application."""

VERSION = "0.1.0"
