import os
import subprocess
import sys
from functools import partial
from operator import call

import pytest

from voxgen.pipeline.parallel import Crash, Workers


def test_results_come_with_their_positions():
    with Workers(2) as workers:
        assert sorted(workers.run(abs, [-3, -1, 2])) == [(0, 3), (1, 1), (2, 2)]
        assert sorted(workers.run(abs, [-7])) == [(0, 7)]


def test_one_worker_stays_in_this_process():
    with Workers(1) as workers:
        assert [pid for _, pid in workers.run(call, [os.getpid] * 3)] == [os.getpid()] * 3


def test_a_task_that_takes_its_process_down_does_not_take_the_others():
    tasks = [partial(abs, -n) for n in range(6)]
    tasks.insert(2, partial(os._exit, 3))
    with Workers(2) as workers:
        results = dict(workers.run(call, tasks))
    assert results.pop(2) == Crash()
    assert sorted(results.values()) == [0, 1, 2, 3, 4, 5]


def test_an_error_of_a_task_is_raised():
    with Workers(2) as workers, pytest.raises(ZeroDivisionError):
        list(workers.run(call, [partial(divmod, 1, 0), partial(abs, 1)]))


def test_workers_end_with_their_parent():
    # Each worker prints its id; the parent is killed while it waits for them.
    script = (
        "import os, time\n"
        "from functools import partial\n"
        "from operator import call\n"
        "from voxgen.pipeline.parallel import Workers\n"
        "if __name__ == '__main__':\n"
        "    with Workers(2) as workers:\n"
        "        for _, pid in workers.run(call, [os.getpid, partial(time.sleep, 600)]):\n"
        "            print(pid, flush=True)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert int(parent.stdout.readline()) > 0
    parent.kill()
    # The workers hold the other end of this pipe: it closes only when the last of them is gone.
    assert parent.communicate(timeout=60) == ("", None)
