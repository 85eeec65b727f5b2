"""The steps of a release, each a module: what it looks at, and the writes it can do.

Each has `decide`, which looks through the ports and lets the decision of the same name judge, and
`act`, which does the write that is due. What takes a step back will stand beside its `act`.
"""
