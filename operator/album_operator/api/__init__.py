"""The two resources as users write them: models, their rules and the generated CRDs."""
