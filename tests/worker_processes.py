"""Several processes of one command, as the workers of a cluster."""

import json
import os
import pathlib
import subprocess
import sys

from nasnet_tf.search.workers.supervisor import free_ports


def run_workers(arguments, workers, folder, timeout=900):
    """Runs a command once for each worker; what each of them printed.

    Args:
        arguments: of Python.
        workers: how many; one needs no cluster.
        folder: for what they print: a pipe that nobody reads would stop its
            worker.
        timeout: seconds for each.
    """
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(workers)]}
    folder.mkdir(parents=True, exist_ok=True)
    logs = [folder / f"worker_{index}.log" for index in range(workers)]
    processes = []
    for index, log in enumerate(logs):
        environment = os.environ | {"PYTHONPATH": str(pathlib.Path.cwd())}
        if workers > 1:
            task = {"type": "worker", "index": index}
            environment["TF_CONFIG"] = json.dumps(
                {"cluster": cluster, "task": task}
            )
        with log.open("w") as output:
            processes.append(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )
    codes = [process.wait(timeout) for process in processes]
    texts = [log.read_text() for log in logs]
    assert codes == [0] * workers, "\n".join(text[-3000:] for text in texts)
    return texts
