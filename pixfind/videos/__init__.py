"""Videos: opened within bounds, decoded frame by frame, a frame chosen for every shot."""
