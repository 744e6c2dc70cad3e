"""The experiments of the article by name."""

from .experiment import Experiment
from .experiment_classification import CLASSIFICATION
from .experiment_distances import DISTANCES_OF_MNIST
from .experiment_grids import GRIDS
from .experiment_stability import STABILITY
from .experiment_words import BILLION_WORD

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (CLASSIFICATION, DISTANCES_OF_MNIST, BILLION_WORD, STABILITY, *GRIDS)
}
