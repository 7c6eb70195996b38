"""One photo in the browser: what its page says and offers."""
