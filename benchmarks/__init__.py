"""How fast the write-back is, measured beside the ways people do it today: `make bench`."""
