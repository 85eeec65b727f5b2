"""One pure file per step: `decide` turns what is known and what was seen into a verdict."""
