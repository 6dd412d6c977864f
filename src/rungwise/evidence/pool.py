"""Seeds that split one pool of images anew each: their results are correlated, and the corrected t-test knows it.

Nadeau and Bengio (2003): the variance of the mean over n splits is s^2 (1/n + n_test / n_train), where the plain t-test
has s^2 / n. What is estimated is the expected value over new pools, at this number of training images. Where chance in
training varies results more than the split does, the correction covers too often, and its intervals are too wide.
"""


def ratio(test_images: int, train_images: int) -> float:
    """n_test / n_train of one split.

    train_images: all that the split leaves beside the test part, even where a study draws fewer of them to train on.
    Two test parts of a pool have n_test / (n_test + n_train) of their images in common, whatever is trained on, and
    that is the correlation which the ratio stands for; a smaller training set has less in common with another, not
    more. ValueError where either is not positive.
    """
    if test_images < 1 or train_images < 1:
        raise ValueError(f"a split needs images in both parts; got {test_images} to test and {train_images} to train")
    return test_images / train_images


def factor(n: float, ratio: float) -> float:
    """1/n + n_test/n_train: what the variance of n splits' values is multiplied by to be that of their mean."""
    return 1 / n + ratio
