"""Answers visitors only about the files that they sent.

Gradio's browser side sends a picture and then names its path; anyone can name another path of this
machine, or an address, which Gradio would fetch.
"""

import os
import pathlib

import gradio as gr

from errors import UserError


def require_sent(path: str | os.PathLike, folder: str | os.PathLike) -> None:
    """Refuses what does not lie in the folder of the files that were sent.

    Raises:
        UserError: if it lies elsewhere, or is an address.
    """
    if not pathlib.Path(path).resolve().is_relative_to(pathlib.Path(folder).resolve()):
        raise UserError("Only a photograph that was sent to this page can be looked at. Send it.")


def refuse_others(page: gr.Blocks, folder: str | os.PathLike) -> None:
    """Refuses other files before Gradio copies them to where the sent ones are.

    Args:
        page: complete.
        folder: where Gradio puts the files that are sent.
    """
    page.has_launched = True  # until then, Gradio lets any path pass
    for block in page.blocks.values():
        block.async_move_resource_to_block_cache = _if_sent(
            block.async_move_resource_to_block_cache, folder
        )


def _if_sent(move, folder):
    async def move_if_sent(path):
        require_sent(path, folder)
        return await move(path)

    return move_if_sent
