"""Pure builders of outside formats: build Job, values edit, pull request text, sync policy."""
