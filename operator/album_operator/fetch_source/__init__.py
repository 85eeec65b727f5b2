"""`python -m album_operator.fetch_source`: the build Job's init container.

It puts exactly one commit's files into a folder, so that the builder beside it gets a directory and
never sees the git credential. It runs without root on a read-only root file system: all it writes
is below that folder, and the last sentence into the container's termination message.
"""
