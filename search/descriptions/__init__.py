"""What a photo shows, in sentences: written by a model's own decoder, or by a guided search."""
