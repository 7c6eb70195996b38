"""Words for pictures: a vocabulary of tags, and which of them a photo shows."""
