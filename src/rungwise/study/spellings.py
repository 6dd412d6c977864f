"""What other tools call a setting, and what it is called here."""

from collections.abc import Collection

SPELLINGS = {
    "rate": "lr learning_rate learningrate eta alpha step_size max_lr",
    "optimiser": "optimizer optim opt solver",
    "epochs": "epoch n_epochs num_epochs max_epochs nb_epoch iterations max_iter",
    "batch": "batch_size batchsize bs mini_batch minibatch",
    "weight_decay": "wd decay l2 l2_penalty weightdecay",
    "schedule": "scheduler lr_schedule lr_scheduler learning_rate_schedule",
    "step_epochs": "lr_step step_size_epochs",
    "step_factor": "gamma lr_gamma lr_decay",
    "clip_norm": "clip clipnorm grad_clip gradient_clip gradient_clip_val gradient_clipping max_grad_norm max_norm",
    "class_weights": "class_weight weight loss_weight pos_weight weights",
    "label_smoothing": "smoothing label_smooth",
    "augment": "augmentation augmentations data_augmentation transforms",
    "stop": "early_stopping early_stop earlystopping patience",
    "patience": "epochs wait n_iter_no_change",
    "metric": "monitor",
    "dropout": "drop dropout_rate drop_rate p_dropout",
    "batch_norm": "batchnorm bn batch_normalization batch_normalisation norm",
    "dense": "fc fully_connected dense_layers linear",
    "hidden": "hidden_layers hidden_sizes hidden_layer_sizes layers units widths",
    "filters": "channels conv convolutions",
    "kernel": "kernel_size ksize",
    "precision": "dtype amp",
    "validation_images": "validation_split val_images validation val_size n_val",
    "source": "path dataset name root",
    "group_column": "groups group",
    "label_column": "label target target_column y",
    "image_size": "size img_size resolution",
    "test_share": "test_size test_fraction",
    "seeds": "seed n_seeds num_seeds",
}
"""By the name here, those of PyTorch, Keras, scikit-learn and their like."""


def right_word(written: str, known: Collection[str]) -> str:
    """What to say of an unknown setting that another tool knows by that name, where one of the `known` settings is
    meant; "" where none is."""
    meant = [name for name, others in SPELLINGS.items() if name in known and written.lower() in others.split()]
    return f"it is called {' or '.join(map(repr, meant))} here" if meant else ""
