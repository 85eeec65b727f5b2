"""Registries of images (OCI distribution specification 1.1)."""
