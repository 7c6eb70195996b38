"""Finding photos in the browser: what pages of results say and offer, queries completed."""
