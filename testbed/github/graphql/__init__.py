"""The GraphQL API, executed against GitHub's public schema."""
