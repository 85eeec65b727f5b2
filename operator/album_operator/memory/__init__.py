"""What the process remembers of releases beside their status; losing it harms nothing."""
