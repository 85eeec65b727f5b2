"""What a release costs, measured beside the ways people do it today: `make bench`."""
