"""Looking after a library: checking it, mending it, keeping copies of it and putting them back."""
