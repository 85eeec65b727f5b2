"""What GitHub knows as the JSON of its REST API."""
