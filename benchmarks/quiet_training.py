"""Trains one net for a benchmark: as train.py does, without its tables."""

import tempfile


def trained_net(net, recipe, train, valid, seed):
    """Trains in a folder that is deleted; returns the `run_folder.LoadedNet`."""
    import keras
    import rich.console

    from trained_nets.run_folder import RunFolder, load_net
    from training import fit as fitting
    from training import task as training_task

    with tempfile.TemporaryDirectory() as folder:
        task = training_task.Task(
            net=net,
            model_name=net,
            recipe=recipe,
            train=train,
            valid=valid,
            run=RunFolder(folder),
            settings=training_task.Settings(seed, keras.config.dtype_policy().name),
        )
        fitting.fit(task, rich.console.Console(quiet=True))
        return load_net(folder)
