"""open_clip's tokenizers as a ``tokenizer.json``, so that a search need not import torch."""

from __future__ import annotations

from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

START, END = "<start_of_text>", "<end_of_text>"
WORD_END = "</w>"
# The pattern of CLIP's byte-pair encoder (Radford et al. 2021), without the special tokens.
WORDS = r"(?i)'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def exported_tokenizer(tokenizer: Any) -> tuple[Tokenizer, str]:
    """Return the equivalent of an open_clip tokenizer, and the name of its text cleaning.

    The tokenizer pads and truncates to the model's context length. The cleaning is the one in
    ``cleaning.CLEANERS`` that must go before it.

    Raises:
        ValueError: open_clip does with the text what a ``tokenizer.json`` cannot say.
    """
    import open_clip.tokenizer as theirs

    cleanings = {
        theirs._clean_lower: "lower",
        theirs._clean_whitespace: "whitespace",
        theirs._clean_canonicalize: "canonicalize",
    }
    cleaning = cleanings.get(getattr(tokenizer, "clean_fn", None))
    if cleaning is None or not tokenizer.context_length:
        raise ValueError(f"{type(tokenizer).__name__} cannot be exported")
    if isinstance(tokenizer, theirs.SimpleTokenizer) and tokenizer.reduction_fn is None:
        exported, pad_id, pad_token = _byte_pair(tokenizer), 0, "!"
    elif isinstance(tokenizer, theirs.HFTokenizer) and not (
        tokenizer.strip_sep_token or tokenizer.tokenizer_mode
    ):
        exported = Tokenizer.from_str(tokenizer.tokenizer.backend_tokenizer.to_str())
        pad_id = tokenizer.tokenizer.pad_token_id
        pad_token = tokenizer.tokenizer.pad_token
    else:
        raise ValueError(f"{type(tokenizer).__name__} in this mode cannot be exported")
    exported.enable_truncation(tokenizer.context_length)
    exported.enable_padding(length=tokenizer.context_length, pad_id=pad_id, pad_token=pad_token)
    return exported, cleaning


def _byte_pair(tokenizer: Any) -> Tokenizer:
    """Build CLIP's byte-pair encoder from the vocabulary and the merges that open_clip holds."""
    merges = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    model = models.BPE(
        vocab=tokenizer.encoder,
        merges=[pair for pair in merges if len(pair) > 1],
        continuing_subword_prefix="",
        end_of_word_suffix=WORD_END,
        unk_token=END,
    )
    built = Tokenizer(model)
    built.normalizer = _normaliser()
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    start, end = (tokenizer.encoder[token] for token in (START, END))
    built.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, start), (END, end)]
    )
    built.add_special_tokens([START, END])
    return built


def _normaliser() -> normalizers.Sequence:
    """Do by itself the part of open_clip's cleaning that is a table: ftfy's characters, case.

    What is left to ``cleaning.lower`` is the repair of mis-decoded text and HTML entities.
    """
    from ftfy import chardata

    table = {
        **{chr(code): plain for code, plain in chardata.WIDTH_MAP.items()},
        **{chr(code): plain for code, plain in chardata.LIGATURES.items()},
    }
    return normalizers.Sequence(
        [
            *(normalizers.Replace(odd, plain) for odd, plain in table.items()),
            normalizers.Replace(Regex("[\u02bc\u2018-\u201b]"), "'"),
            normalizers.Replace(Regex("[\u201c-\u201f]"), '"'),
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
            normalizers.Lowercase(),
        ]
    )
