"""What watches the cluster and the forges, and wakes the releases that it concerns."""
