"""The web app as a person meets it: a real server, Debian's Chromium, pictures of real things."""
