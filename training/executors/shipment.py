"""What every worker needs to know of a run, in a form that can be sent."""

import dataclasses
import os

import models
from errors import UserError
from trained_nets import places
from trained_nets.loading import load_keras_net
from trained_nets.run_folder import RunFolder
from trained_nets.trained_net import TrainedNet


@dataclasses.dataclass(frozen=True)
class _NetByPath:
    """A trained net that each worker loads by itself."""

    origin: str
    path: str
    digest: str

    @classmethod
    def of(cls, net: TrainedNet | None):
        if net is None:
            return None
        path = net.origin
        if not places.is_preset(path):
            path = os.path.abspath(os.path.expanduser(path))
        return cls(net.origin, path, net.weights_digest)

    def load(self) -> TrainedNet:
        net = dataclasses.replace(load_keras_net(self.path), origin=self.origin)
        if net.weights_digest != self.digest:
            raise UserError(f"The weights of {self.origin} have changed since the training began.")
        return net


@dataclasses.dataclass(frozen=True)
class Shipment:
    """A whole run's task without its nets, which are sent as paths.

    Attributes:
        whole: the task of specialists, or of folds.
        nets: by their names in `Settings`; None for those that the run does not have.
    """

    whole: object
    nets: dict[str, _NetByPath | None]

    @classmethod
    def of(cls, whole) -> "Shipment":
        """Packs a run's task."""
        settings = whole.settings
        nets = {name: _NetByPath.of(getattr(settings, name)) for name in ("warm_start", "teacher")}
        return cls(
            dataclasses.replace(
                whole,
                run=RunFolder(whole.run.path.absolute()),
                # What is in the folder by now is from an attempt that was killed; otherwise there
                # is nothing, and to resume is to start.
                settings=dataclasses.replace(settings, resume=True, **dict.fromkeys(nets)),
            ),
            nets,
        )

    def unpack(self):
        """Returns the run's task, in a worker, after setting its precision.

        Raises:
            UserError: if a net cannot be loaded, or is another one by now.
        """
        models.set_precision(self.whole.settings.precision)
        nets = {name: net.load() if net else None for name, net in self.nets.items()}
        return dataclasses.replace(
            self.whole, settings=dataclasses.replace(self.whole.settings, **nets)
        )
