"""The way to those who are told of releases."""
