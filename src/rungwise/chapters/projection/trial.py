"""The trial of a projection: the principal components of one split."""

from typing import ClassVar

from rungwise.trial import Trial


class ProjectionTrial(Trial):
    """PCA of the training images, and a linear SVM for each pair of classes."""

    work: ClassVar[str] = "rungwise.insight.projection:project"

    svm_iterations: int
