"""Pull requests of github.com or a GitHub Enterprise."""
