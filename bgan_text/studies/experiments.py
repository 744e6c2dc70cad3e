"""The experiments of the paper by name."""

from bgan_text.studies.billion_word import BILLION_WORD
from bgan_text.studies.cifar10_classification import CLASSIFICATION
from bgan_text.studies.experiment import Experiment
from bgan_text.studies.image_grids import GRIDS
from bgan_text.studies.mnist_distances import DISTANCES_OF_MNIST
from bgan_text.studies.stability import STABILITY

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (CLASSIFICATION, DISTANCES_OF_MNIST, BILLION_WORD, STABILITY, *GRIDS)
}
