"""What a pipeline answers, and what it begins by itself: a file for each thing it does."""
