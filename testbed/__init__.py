"""The local world of the project: a cluster, Argo CD, a git forge and a registry."""
