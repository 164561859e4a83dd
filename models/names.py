"""The nets' names, which are known before Keras is imported."""

from errors import UserError

NETS = (
    *("net1", "net2", "net3", "net4", "net5", "net6", "net7"),
    *("heatmap_s", "heatmap_m", "heatmap_l"),
)


def require_net(name: str):
    """Checks that there is a net of that name.

    Raises:
        UserError: if there is none.
    """
    if name not in NETS:
        raise UserError(f"There is no net {name!r}. The zoo: {', '.join(NETS)}.")
