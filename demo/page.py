"""The page, in Gradio."""

import functools
import pathlib

import gradio as gr

import pictures
from demo.answering import Answer, answer
from demo.nets import Nets
from demo.overlay import message_html
from demo.sent_files import refuse_others, require_sent
from errors import UserError

TITLE = "Facial keypoints"
_INTRODUCTION = f"# {TITLE}\nPoint at a keypoint, or tap it, to read its name."


def build_page(nets: Nets, uploads: str) -> gr.Blocks:
    """Builds the page; it answers whenever the picture or a choice changes.

    Args:
        nets: to choose from.
        uploads: the folder where Gradio puts the files that are sent.
    """
    detector = functools.cache(pictures.FaceDetector)

    def show_answer(photograph, name, labels_of, detect):
        if photograph is None:
            return Answer("", "")
        path = pathlib.Path(photograph.path)
        called = photograph.orig_name or path.name
        try:
            require_sent(path, uploads)
            net = nets.open(name, labels_of)
            return answer(path, called, net, detector() if detect else None)
        except UserError as error:
            return Answer(message_html(str(error)), "")

    def offer_labellers(name):
        try:
            labellers = nets.labellers(name)
        except UserError:  # said once a picture is to be answered
            labellers = ()
        first = labellers[0] if labellers else None
        return gr.Dropdown(choices=list(labellers), value=first, visible=bool(labellers))

    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                photograph = gr.Image(
                    label="Photograph",
                    sources=["upload", "clipboard", "webcam"],
                    # Mirrored, the person's left would be marked as right.
                    webcam_options=gr.WebcamOptions(mirror=False),
                    buttons=[],
                    height=240,
                    elem_id="photograph",
                )
                # The file as it was sent; Gradio would decode it before it is checked.
                photograph.preprocess = lambda sent: sent
                net = gr.Dropdown(nets.names, value=nets.default, label="Net", elem_id="net")
                labels_of = gr.Dropdown([], label="Labels of", visible=False, elem_id="labels-of")
                detect = gr.Checkbox(
                    True,
                    label="Look for faces",
                    info="Without it, one face must fill the picture.",
                    elem_id="detect",
                )
            with gr.Column(scale=2, min_width=300):
                shown = gr.HTML(elem_id="shown")
                record = gr.Textbox(
                    label="JSON",
                    lines=6,
                    max_lines=12,
                    interactive=False,
                    buttons=["copy"],
                    elem_id="json",
                )
        asked = {
            "fn": show_answer,
            "inputs": [photograph, net, labels_of, detect],
            "outputs": [shown, record],
            "api_visibility": "private",
        }
        offered = {
            "fn": offer_labellers,
            "inputs": net,
            "outputs": labels_of,
            "api_visibility": "private",
        }
        page.load(**offered)
        net.input(**offered).then(**asked)
        gr.on([photograph.change, labels_of.input, detect.input], **asked)
    refuse_others(page, uploads)
    return page
