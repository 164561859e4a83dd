"""What export.py does once its options are parsed."""

import command_line
import data_pipeline
from exporting.other_formats import export_other_format
from exporting.saved_model_export import export_saved_model
from exporting.signatures import SIGNATURES
from trained_nets import loading
from trained_nets.trained_net import for_flips


def run(arguments):
    """Exports the net named by the options of export.py, and prints what was written.

    Raises:
        UserError: if it cannot be loaded or exported.
    """
    net = loading.load_keras_net(arguments.run, arguments.labels_of)
    loading.warn_if_unfinished(net)
    net = for_flips(net, arguments.flip_average)
    if arguments.format == "saved_model":
        _publish_saved_model(net, arguments)
    else:
        _write_other_format(net, arguments)


def _publish_saved_model(net, arguments):
    published = export_saved_model(
        net,
        arguments.out,
        version=arguments.version,
        flip_average=bool(arguments.flip_average),
        photo=arguments.photo,
    )
    signatures = len(SIGNATURES) + arguments.photo
    print(
        f"{published.folder}: {command_line.counted(len(net.names), 'keypoint')}, "
        f"{signatures} signatures, at most {published.difference:.1e} px from the Keras model"
    )
    if published.warm_up_records is None:
        print(
            "Left out the warm-up records, which need TensorFlow Serving's protos: "
            "pip install -e '.[serving]'"
        )
    else:
        print(f"{published.warm_up_records} warm-up records, replayed")
    if published.folder.name != "1":
        print(
            "TensorFlow Serving goes on with the version that serving/models.config names, until "
            "you change it (docs/serving.md, Versions)"
        )
    print(f"Look at it: saved_model_cli show --dir {published.folder} --all")


def _write_other_format(net, arguments):
    faces = data_pipeline.load_faces(arguments.data)
    folder, rows = export_other_format(
        net,
        arguments.out,
        arguments.format,
        faces,
        flip_average=bool(arguments.flip_average),
        version=arguments.version,
    )
    print(f"Written to {folder}")
    print(f"{'':20}{'MB':>8}{'RMSE to SavedModel':>22}{'RMSE to labels':>18}{'ms a face':>12}")
    for row in rows:
        print(
            f"{row.name:20}{row.megabytes:8.1f}{row.rmse_to_saved_model:19.4f} px"
            f"{row.rmse_to_labels:15.2f} px{row.milliseconds:12.2f}"
        )
