"""Samples of a run as text."""

from collections.abc import Iterator

import torch

from bgan_text.corpora.tokenizer import load_tokenizer, signature
from bgan_text.errors import UserError
from bgan_text.run import Run, sample_rows


def sampled(
    run: Run,
    count: int,
    seed: int,
    device: torch.device,
    *,
    temperature: float = 1.0,
    average: bool = True,
    step: int | None = None,
) -> Iterator[tuple[str, list[int]]]:
    """`count` samples of a run: text and tokens.

    Everything that can be refused is refused before the first sample.
    """
    if not 0.0 < temperature < float("inf"):
        raise UserError(f"--temperature {temperature}: a number above 0 is needed")
    if not 0 <= seed < 2**63:
        raise UserError(f"--seed {seed}: a number from 0 up to {2**63 - 1} is needed")
    tokenizer = load_tokenizer(run.folder)
    if signature(tokenizer) != run.data["tokenizer"] or tokenizer.vocabulary != run.space.vocabulary:
        raise UserError(
            f"the tokenizer in {run.folder} is {signature(tokenizer)}, the run was trained with "
            f"{run.data['tokenizer']}: the folder was changed"
        )
    generator = run.generator(device, step=step, average=average)

    def texts() -> Iterator[tuple[str, list[int]]]:
        for rows in sample_rows(generator, count, seed, device, temperature):
            for row in rows.tolist():
                yield tokenizer.decode(row), row

    return texts()
