"""Pull requests of a Gitea or Forgejo."""
