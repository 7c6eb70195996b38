"""Tags, descriptions and stars to sidecars, which other programs read, and back from theirs."""
