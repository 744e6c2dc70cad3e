"""Time of a training step on binary images, compared with the usual implementation.

    OMP_NUM_THREADS=1 python benchmarks/images.py

Both use networks of equal width for 32 x 32 pixels and weight 20 draws for each of 64 noise vectors. The
usual implementation, as in kklemon/bgan-pytorch and others, stores every draw as a separate image, trains the
discriminator on all draws and computes in float32. The implementations are timed alternately in one process,
so that drift of the machine's speed does not bias the ratios.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from bgan_text.config import Config
from bgan_text.space import QUANTISED_IMAGES, TokenSpace
from bgan_text.training.state import State, parameter_count
from bgan_text.training.trainer import Trainer

SIDE, DRAWS, BATCH, WIDTH, NOISE = 32, 20, 64, 16, 64
ROUNDS = 9


def usual_generator() -> nn.Module:
    widest = 8 * WIDTH
    layers: list[nn.Module] = [nn.ConvTranspose2d(NOISE, widest, 4), nn.LeakyReLU(), nn.BatchNorm2d(widest)]
    for factor in (8, 4, 2):
        wide = factor * WIDTH
        layers += [
            nn.ConvTranspose2d(wide, wide // 2, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.BatchNorm2d(wide // 2),
        ]
    return nn.Sequential(*layers, nn.Conv2d(WIDTH, 1, 1))


def usual_discriminator() -> nn.Module:
    layers: list[nn.Module] = []
    channels = 1
    for factor in (1, 2, 4, 8):
        layers += [nn.Conv2d(channels, factor * WIDTH, 4, stride=2, padding=1), nn.LeakyReLU()]
        channels = factor * WIDTH
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * channels, 1))


def usual_step() -> tuple[Callable[[], object], int]:
    """Return a function that trains both networks for one step, and their number of parameters."""
    generator, discriminator = usual_generator(), usual_discriminator()
    optimizers = [
        torch.optim.Adam(net.parameters(), 1e-4, (0.5, 0.999)) for net in (generator, discriminator)
    ]
    real = torch.randint(2, (BATCH, 1, SIDE, SIDE)).float()

    def step() -> None:
        logits = generator(torch.randn(BATCH, NOISE, 1, 1)).unsqueeze(0)
        draws = (torch.rand(DRAWS, BATCH, 1, SIDE, SIDE) < logits.sigmoid()).float()
        scores = discriminator(draws.flatten(0, 1)).view(DRAWS, BATCH)
        log_prob = -(softplus(logits) - draws * logits).sum((2, 3, 4))
        losses: list[Tensor] = [
            -(scores.detach().softmax(dim=0) * log_prob).sum(dim=0).mean(),
            softplus(-discriminator(real)).mean() + softplus(scores).mean(),
        ]
        for optimizer in optimizers:
            optimizer.zero_grad()
        torch.autograd.backward(losses)
        for optimizer in optimizers:
            optimizer.step()

    return step, parameter_count(generator) + parameter_count(discriminator)


def our_step(**options: object) -> tuple[Callable[[], object], int]:
    settings = {"steps": 1000, "width": WIDTH, "discriminator_width": WIDTH, "noise": NOISE, "batch": BATCH}
    config = Config.given(settings | {"draws": DRAWS} | options, QUANTISED_IMAGES)
    state = State.fresh(config, TokenSpace(SIDE * SIDE, 2, shape=(SIDE, SIDE)), torch.device("cpu"))
    trainer = Trainer(state, config)
    real = [torch.randint(2, (BATCH, SIDE * SIDE))]
    return lambda: trainer.step(real, 0.0), parameter_count(state.generator) + parameter_count(
        state.discriminator
    )


def main() -> None:
    implementations = {
        "usual": usual_step(),
        "bgan-text": our_step(),
        "bgan-text, float32": our_step(precision="float32"),
        "bgan-text, discriminator trained on all draws": our_step(discriminator_draws=DRAWS),
    }
    times: dict[str, list[float]] = {name: [] for name in implementations}
    for round_ in range(ROUNDS + 2):
        for name, (step, _) in implementations.items():
            start = time.perf_counter()
            step()
            if round_ >= 2:
                times[name].append(time.perf_counter() - start)
    usual = median(times["usual"])
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, (_, parameters) in implementations.items():
        taken = median(times[name])
        share = f"{taken / usual:.2f} of the usual time"
        print(f"{name}: {taken * 1e3:.0f} ms per step, {share}; {parameters:,} parameters")


if __name__ == "__main__":
    main()
