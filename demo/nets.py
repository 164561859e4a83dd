"""The nets that the page offers."""

import functools
from collections.abc import Sequence

from demo.served_net import ServedNet, open_served
from errors import UserError
from serving import Target, connect
from trained_nets import places
from trained_nets.loading import load_net
from trained_nets.trained_net import TrainedNet

_DEFAULT = f"{places.PRESET_PREFIX}heatmap_m"


class Nets:
    """Run folders, served nets and presets, each loaded once, when it is first chosen."""

    def __init__(self, runs: Sequence[str] = (), targets: Sequence[Target] = ()):
        """Lists the nets.

        Args:
            runs: run folders or SavedModels.
            targets: served models.

        Raises:
            UserError: if an address is not one of a server.
        """
        for target in targets:
            try:
                with connect(target):
                    pass  # it reads the address; the server is asked once it is needed
            except UserError as error:
                raise UserError(str(error).replace("--url", "--server")) from error
        self._targets = {target.url: target for target in targets}
        presets = [f"{places.PRESET_PREFIX}{name}" for name in places.preset_names()]
        self.names = [*dict.fromkeys([*runs, *self._targets, *presets])]
        self.default = self.names[0] if runs or targets else _DEFAULT
        self._load = functools.cache(load_net)

    def open(self, name: str, labels_of: str | None = None) -> TrainedNet | ServedNet:
        """Returns a net.

        Args:
            name: one of `names`.
            labels_of: whose labels it predicts; None for its own default.

        Raises:
            UserError: if it cannot be loaded, or its server does not answer.
        """
        if name in self._targets:  # asked anew: the server may have got another version
            return open_served(self._targets[name])
        return self._load(name, labels_of=labels_of)

    def labellers(self, name: str) -> tuple[str, ...]:
        """Returns the labellers whose labels it can predict; empty if there is no choice.

        Raises:
            UserError: as `open`.
        """
        labellers = self.open(name).labellers
        return labellers if len(labellers) > 1 else ()
