"""The library as a whole in the browser: what it holds, its room on disk, its duplicates."""
