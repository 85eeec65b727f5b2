"""Git repositories: the config repository, and the source a release is built from."""
