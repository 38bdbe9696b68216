"""Searches for cells of a network that reads digits, for two minutes."""

import shutil

TITLE = "Searching for cells"
NEEDS = ()

FOLDER = "search"
CONFIG = "digits"
SAMPLES, ROUND_SIZE = 12, 4


def stage(context):
    """Returns the `SearchResult`."""
    # Model Garden's configurations are slow to import.
    from nasnet_tf.search.config_checks import read_search_config
    from nasnet_tf.search.loop import search
    from nasnet_tf.search.report import pictures, write_report
    from nasnet_tf.search.report.reading import read_run

    folder = context.out / FOLDER
    # Begin anew; a search of its own would go on where it was.
    shutil.rmtree(folder, ignore_errors=True)
    config = read_search_config(
        [CONFIG],
        f"budget.samples={SAMPLES},budget.round_size={ROUND_SIZE},"
        "budget.finalists=0,"
        f"runtime.seed={context.seed},runtime.tensorboard=false",
    )
    result = search(config, folder)
    failures = sum(bool(record.failure) for record in result.records)
    context.say(
        f"The paper's controller proposed {result.samples} pairs of cells; "
        f"{len(result.records)} networks were trained for "
        f"{config.recipe.steps} steps each, {failures} of them failed. "
        f"The best reads {result.best.accuracy:.1%} of the digits that were "
        "held out of the training digits. A search worth its name takes more: "
        "see the README."
    )
    context.section.figure(
        pictures.progress([read_run(folder)], [config.strategy.name]),
        "Best and means of the best 5 and 25 against samples, as in Figure 6 "
        "of the paper",
        wide=True,
    )
    context.files[write_report(folder)] = "the search, told at length"
    context.files[folder / "best.json"] = "the best cells, a genotype file"
    context.metrics["search"] = {
        "samples": result.samples,
        "children": len(result.records),
        "failures": failures,
        "best_accuracy": result.best.accuracy,
    }
    if failures:
        reason = next(r.failure for r in result.records if r.failure)
        context.failures.append(
            f"{failures} children of the search failed, one by {reason!r}"
        )
    return result
