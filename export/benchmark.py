r"""Times exported models side by side, on this machine's processor.

python -m export.benchmark --models=a.tflite,b.tflite --threads=1,2
python -m export.benchmark --models=saved_model/,model.keras \
    --batch=16 --image_size=224 --out=runs/benchmark
python -m export.benchmark --models=model.onnx --openvino

Files run in turn, each in a process of its own. The table tells the median and
the 95th percentile of a run, the ratio to the first file, size and memory, what
XNNPACK leaves out of a .tflite file, and its slowest operations.
"""

from absl import flags

from export.benchmarking.benchmark import SECONDS, benchmark
from nasnet_tf.checks.arguments import parse_integers
from nasnet_tf.terminal import command_line


def main(arguments):
    from export.benchmarking import report

    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    if values.out:
        report.check_files(values.out)
    results = benchmark(
        values.models,
        parse_integers("threads", values.threads),
        values.batch,
        values.seconds,
        values.image_size,
        values.slowest,
        values.openvino,
    )
    print(report.format_results(results))
    if values.out:
        print("\nwrote")
        for path in report.write_files(results, values.out):
            print(f"  {path}")


def define_flags():
    flags.DEFINE_list(
        "models",
        [],
        "Files and SavedModel folders; the first is compared with.",
    )
    flags.DEFINE_list("threads", ["1"], "Numbers of threads, such as 1,2.")
    flags.DEFINE_integer("batch", 1, "Images of a run.")
    flags.DEFINE_float(
        "seconds", SECONDS, "Timed for each file and number of threads."
    )
    flags.DEFINE_integer(
        "image_size", None, "Height and width, for files that take any."
    )
    flags.DEFINE_integer(
        "slowest", 8, "Kinds of operations to list for a .tflite file."
    )
    flags.DEFINE_bool(
        "openvino", False, "Time .onnx and .tflite files in OpenVINO too."
    )
    flags.DEFINE_string(
        "out", None, "Folder for benchmark.json and benchmark.png."
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
