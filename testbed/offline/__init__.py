"""What a machine without container registries needs: images and programs, made from packages."""
