"""A process that trains: jobs come in as lines of JSON on stdin, progress and results go out on stdout.

Started by `classifier.processes` as `python -m classifier.worker`; ends when its stdin does, or when nobody listens.
"""

import json
import os
import sys
from typing import Any

from classifier.errors import CleansheetError
from classifier.evaluation_fold import FoldJob, judge_fold
from classifier.shard import Report, ShardJob, build_shard, retrain


def run(kind: str, job: Any, report: Report) -> Any:
    """Do one job in this process; what it returns can be written as JSON."""
    if kind == "shard":
        return build_shard(ShardJob.model_validate(job), report)
    if kind == "retrain":
        return retrain(ShardJob.model_validate(job), report)
    assert kind == "fold", kind
    return judge_fold(FoldJob.model_validate(job), report)


def main() -> None:
    """Serve until stdin ends."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(kind: str, value: Any) -> None:
        replies.write(json.dumps({"kind": kind, "value": value}) + "\n")
        replies.flush()

    try:
        for line in sys.stdin:
            order = json.loads(line)
            try:
                send("done", run(order["kind"], order["job"], lambda message: send("progress", message)))
            except CleansheetError as error:
                send("failed", str(error))
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)


if __name__ == "__main__":
    main()
