"""ConSE (Norouzi et al. 2014): describe a photo by the names of the classes it may show.

The classifier's softmax weighs the text embeddings of ImageNet's class names, so a photo lands
among the words of what it shows, without a caption ever having been learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

TEMPERATURE = 1.5


def class_texts() -> list[list[str]]:
    """Return, for each ImageNet class, the texts whose mean embedding names it."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    names = [info.index_to_description(i) for i in range(info.num_classes())]
    return [[name, f"a photo of a {name.split(',')[0]}"] for name in names]


class Conse(nn.Module):
    """Class embeddings (1000, 384) with their centre, and the centre (384,) of captions."""

    def __init__(self, classes: Tensor, class_centre: Tensor, text_centre: Tensor) -> None:
        super().__init__()
        self.register_buffer("classes", classes)
        self.register_buffer("class_centre", class_centre)
        self.register_buffer("text_centre", text_centre)

    @classmethod
    def fit(
        cls, embed: Callable[[Sequence[str]], Tensor], logits: Tensor, sentences: Tensor
    ) -> Conse:
        """Centre both sides on the training data.

        Args:
            embed: maps texts to unit sentence embeddings (n, 384).
            logits: of the training photos, (photos, 1000).
            sentences: unit sentence embeddings of the training texts (texts, 384).
        """
        texts = class_texts()
        flat = embed([text for group in texts for text in group])
        classes = flat.reshape(len(texts), -1, flat.shape[1]).mean(dim=1)
        described = (logits.float() / TEMPERATURE).softmax(dim=-1) @ classes
        return cls(classes, described.mean(dim=0), sentences.mean(dim=0))

    def image(self, logits: Tensor) -> Tensor:
        """Return unit embeddings (n, 384) for class logits (n, 1000)."""
        described = (logits / TEMPERATURE).softmax(dim=-1) @ self.classes
        return nn.functional.normalize(described - self.class_centre, dim=-1)

    def text(self, sentences: Tensor) -> Tensor:
        """Return unit embeddings (n, 384) for unit sentence embeddings (n, 384)."""
        return nn.functional.normalize(sentences - self.text_centre, dim=-1)
