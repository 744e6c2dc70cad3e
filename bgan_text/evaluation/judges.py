"""The networks that scores train, and their budgets."""

from dataclasses import dataclass, field

from torch import nn

from bgan_text.scores.critic_training import CriticSettings
from bgan_text.scores.feature_classifier_fit import ClassifierSettings
from bgan_text.scores.language_model_fit import LanguageModelSettings


@dataclass(frozen=True, kw_only=True)
class Judges:
    """Size and training of the networks behind some scores. Only values from equal judges compare.

    `classifier`: of real images, for `classifier-frechet` and the scores of classes. `text_critic`,
    `image_critic`: one critic of them. `critics`: critics per distance, each with its own seed.
    `language_model`: for the likelihoods and the baseline of a sweep. `vocabulary`: units that critics and
    language models of text tell apart; rarer ones are unknown to them. `image_features`: a network from
    (B, 3, height, width) uint8 images to (B, D) features, for `fid` and `kid` in place of Inception.

    Example:
        >>> Judges(critics=5).critics
        5
    """

    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    text_critic: CriticSettings = field(default_factory=CriticSettings)
    image_critic: CriticSettings = field(default_factory=lambda: CriticSettings(width=16))
    critics: int = 3
    language_model: LanguageModelSettings = field(default_factory=LanguageModelSettings)
    vocabulary: int = 5000
    image_features: nn.Module | None = None

    @classmethod
    def quick(cls) -> "Judges":
        """Judges that learn next to nothing, for trying out code that uses them."""
        critic = CriticSettings(width=4, steps=5, interval=5)
        return cls(
            classifier=ClassifierSettings(width=4, steps=5),
            text_critic=critic,
            image_critic=critic,
            critics=1,
            language_model=LanguageModelSettings(width=4, steps=5),
        )
