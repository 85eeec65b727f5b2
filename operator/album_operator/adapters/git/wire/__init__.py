"""Git's own protocol over one connection, where its commands would take a round trip each."""
