"""A stand-in for GitHub: its REST and GraphQL APIs, git over HTTP and webhooks, on loopback."""
