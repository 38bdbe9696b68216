"""The best architectures of a search, trained longer and ranked anew."""

import contextlib
import dataclasses
import json
import pathlib
import re
from collections.abc import Sequence

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.arguments import (
    check_choice,
    check_integer,
    expanded_path,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import written_beside
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.finalists import MATCHES
from nasnet_tf.search.finalists.jobs import (
    Candidate,
    finalist_config,
    finalist_recipe,
    images_of,
    named_genotype,
    seed_trainings,
    train_candidate,
)
from nasnet_tf.search.finalists.side_by_side import run_side_by_side
from nasnet_tf.search.journal.beliefs import read_beliefs, recommended
from nasnet_tf.search.journal.file_names import (
    FINALISTS_FILE,
    FINALISTS_FOLDER,
)
from nasnet_tf.search.journal.records import read_journal
from nasnet_tf.search.report.verdict import paired_differences, told
from nasnet_tf.search.sizes import child_size, filters_of_size, matched_child

# Where finalists are of equal size, the F of NASNET_A may be another than what
# is asked for by this part of it.
_NEAR = 8


def train_finalists(
    config: SearchConfig,
    model_dir,
    compare: Sequence = (),
    match: str = "filters",
    quiet: bool = False,
    data=None,
    class_names: Sequence[str] | None = None,
    workers: int = 1,
) -> list[pathlib.Path]:
    """Trains the best of a search longer, each with several seeds.

    Each is a training job on the search's data and recipe, from scratch, at
    the children's N and F, or the F that `child.match` gives it. What is done
    is not done again: the same call goes on where an earlier one stopped.
    Ranked by the reward of the mean accuracy on the held-out images; these are
    the images that the search chose by when the seed is the search's, and
    other ones for the other seeds. Where images are held out, the evaluation
    split decides nothing, and the mean accuracy on it is told beside.

    Args:
        config: of the search; `budget.finalists`, `finalist_epochs` and
            `finalist_seeds` say how many and how long.
        model_dir: of the search.
        compare: genotypes, names such as `"NASNET_A"` or files, to train in
            the same way beside them; they are not ranked. Those of an earlier
            call that trained as long and often stay listed.
        match: what they have in common with the finalists: the children's
            `"filters"`, F, or the `"parameters"` of the best finalist, as
            nearly as F allows.
        quiet: print nothing.
        data: arrays, of a search on arrays; see `search`.
        class_names: of them.
        workers: trainings side by side, each in a process of its own on this
            machine; what comes of them is the same. From a script that is
            guarded by `if __name__ == "__main__"`.

    Returns:
        `finalists.json`, then the genotype files, best first. In it `paired`
        has what the best is ahead of each of `compared`; see
        `report.verdict.paired_differences`.

    Raises:
        InputError: there is no finished child with a genotype, or a file
            cannot be written.
        JobError: it was stopped by a signal.
    """
    # Absolute: jobs keep the path of their genotype, and may go on elsewhere.
    model_dir = expanded_path("model_dir", model_dir).resolve()
    count, seeds = config.budget.finalists, config.budget.finalist_seeds
    check_integer("finalists", count)
    check_integer("finalist_seeds", seeds)
    check_integer("workers", workers)
    if workers > 1 and data is not None:
        raise InputError(
            f"workers: {workers} processes beside arrays, which this one has "
            "alone; leave it out"
        )
    check_choice("match", match, MATCHES)
    config = finalist_config(config)
    candidates = _candidates(model_dir, count)
    # Before hours of training: what is no genotype is told here.
    others = [_other(genotype) for genotype in compare]
    matched = config.child.match != "none"
    if matched or (others and match == "parameters"):
        images = images_of(config, data, class_names)
    if matched:
        child = _of_least_difference(candidates, others, config.child, images)
        candidates = _matched(candidates, child, images)
        others = _matched(others, child, images)
    jobs = model_dir / FINALISTS_FOLDER / "jobs"

    def trained(some):
        if workers > 1:
            _train_side_by_side(some, config, jobs, quiet, workers)
        # What was trained is read.
        return [
            train_candidate(
                one,
                config,
                jobs / one.name,
                quiet or workers > 1,
                data,
                class_names,
            )
            for one in some
        ]

    ranked = sorted(trained(candidates), key=lambda e: -e["reward"])
    by_name = {candidate.name: candidate for candidate in candidates}
    if match == "parameters" and others:
        best = by_name[ranked[0]["name"]]
        others = _of_equal_size(others, best, config.child, images)
    compared = trained(others)
    files = []
    for rank, entry in enumerate(ranked, start=1):
        entry["rank"], entry["file"] = rank, f"{FINALISTS_FOLDER}/{rank}.json"
        files.append(model_dir / entry["file"])
        by_name[entry["name"]].genotype.save(files[-1])
    recipe = finalist_recipe(config)
    length = {"epochs": recipe.epochs, "steps": recipe.steps, "seeds": seeds}
    compared += _compared_before(model_dir, length, compared)
    summary = {"finalists": ranked, "compared": compared, **length}
    summary["paired"] = paired_differences(summary)
    with written_beside(model_dir / FINALISTS_FILE, "model_dir") as beside:
        beside.write_text(json.dumps(summary, indent=2) + "\n")
    for line in told(summary) if not quiet else ():
        print(line, flush=True)
    # Of an earlier ranking of more.
    for old in (model_dir / FINALISTS_FOLDER).glob("*.json"):
        if old not in files:
            old.unlink()
    return [model_dir / FINALISTS_FILE, *files]


def _train_side_by_side(candidates, config, jobs, quiet, workers):
    trainings = [
        training
        for candidate in candidates
        for training in seed_trainings(candidate, config, jobs / candidate.name)
    ]
    for training in trainings:
        if training.done and not quiet:
            print(training.told(), flush=True)
    left = [training for training in trainings if not training.done]
    run_side_by_side(left, workers, quiet)


def _compared_before(model_dir, length, compared):
    """What an earlier call trained equally long beside the finalists."""
    # None, or one of an older form.
    with contextlib.suppress(OSError, ValueError, KeyError):
        text = (model_dir / FINALISTS_FILE).read_text(encoding="utf-8")
        before = json.loads(text)
        if {name: before[name] for name in length} == length:
            now = {_which(entry) for entry in compared}
            return [e for e in before["compared"] if _which(e) not in now]
    return []


def _which(entry):
    return entry["name"], entry["num_cells"], entry["filters"]


def _candidates(model_dir, count):
    candidates = []
    beliefs = read_beliefs(model_dir)
    for record in recommended(read_journal(model_dir), beliefs, count):
        if genotype := named_genotype(record):
            candidates.append(Candidate(genotype.name, genotype, record))
    if not candidates:
        raise InputError(
            f"model_dir: {model_dir} holds no finished child with a genotype; "
            "give the model_dir of a search for cells"
        )
    return candidates


def _of_least_difference(candidates, others, child, images):
    """The children's configuration with the F at which sizes differ least.

    Of the finalists and the first that stands beside them: F are whole
    numbers, and a step of 16 is 12 % of the parameters.
    """

    def difference(filters):
        near = child.replace(filters=filters)
        sizes = [
            getattr(
                child_size(
                    one.genotype,
                    matched_child(one.genotype, near, *images),
                    *images,
                ),
                child.match,
            )
            for one in (*candidates, *others[:1])
        ]
        return max(sizes) / min(sizes), abs(filters - child.filters)

    reach = child.filters // _NEAR
    near = range(child.filters - reach, child.filters + reach + 1)
    return child.replace(filters=min(near, key=difference))


def _matched(candidates, child, images):
    return [
        dataclasses.replace(
            one, filters=matched_child(one.genotype, child, *images).filters
        )
        for one in candidates
    ]


def _of_equal_size(others, best, child, images):
    filters = best.filters or child.filters
    network = dataclasses.replace(child, filters=filters)
    parameters = child_size(best.genotype, network, *images).parameters
    return [
        dataclasses.replace(
            other,
            filters=filters_of_size(
                other.genotype, network, parameters, *images
            ),
        )
        for other in others
    ]


def _other(genotype):
    genotype = get_genotype(genotype)
    # A file name: a genotype's own may hold anything.
    name = re.sub(r"[^\w.-]", "_", genotype.name)
    return Candidate(name, genotype)
