"""Learning rate as a function of the step."""


def poly(
    step: int, steps: int, lr: float, warmup: int = 0, power: float = 0.9
) -> float:
    """Linear warm-up, then lr (1 - step / steps) ** power, never below 0.

    Chen et al., DeepLab, PAMI 2018, section 4.1. Taught in chapter 05.
    """
    left = max(0.0, 1 - step / steps)  # a step past the end is clamped
    rising = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return lr * rising * left**power
