"""The flags that the commands of jobs share."""

from absl import flags


def define_job_flags():
    """The flags of Model Garden's commands that the jobs have."""
    flags.DEFINE_multi_string(
        "config_file",
        None,
        "A YAML file, or the name of one in configs/; later ones go before "
        "earlier ones.",
    )
    flags.DEFINE_multi_string(
        "params_override",
        None,
        "What goes before the files: recipe.steps=3,data.data_dir=PATH; may "
        "be repeated, later ones go before earlier ones.",
    )
    flags.DEFINE_string("model_dir", None, "The folder of the job's files.")
