"""The only modules that talk to the outside world; each implements one port of `ports`."""
