"""What comes while something is being written is written together, and fails alone."""

import asyncio

import pytest

from guestlist.actions.gathering import LARGEST, Gathering


class Handler:
    """Doubles numbers, a block at a time, when it is let."""

    def __init__(self):
        self.blocks = []
        self.go = asyncio.Event()

    async def __call__(self, items):
        self.blocks.append(list(items))
        await self.go.wait()
        if 13 in items:
            raise ValueError("unlucky")
        return [2 * item for item in items]


async def settled(tasks):
    return await asyncio.gather(*tasks, return_exceptions=True)


def put_all(gathering, handle, numbers, key="k"):
    return [asyncio.create_task(gathering.put(key, number, handle)) for number in numbers]


async def test_the_first_goes_alone_and_the_rest_together():
    gathering, handle = Gathering(), Handler()
    tasks = put_all(gathering, handle, range(5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = put_all(gathering, handle, [5])
    handle.go.set()
    assert await settled(tasks + late) == [0, 2, 4, 6, 8, 10]
    assert sum(map(len, handle.blocks)) == 6
    assert len(handle.blocks) == 2


async def test_a_block_is_bounded():
    gathering, handle = Gathering(), Handler()
    handle.go.set()
    assert len(await settled(put_all(gathering, handle, range(100, 100 + 2 * LARGEST)))) == 2 * LARGEST
    assert max(map(len, handle.blocks)) <= LARGEST


async def test_one_that_raises_takes_no_other_with_it():
    gathering, handle = Gathering(), Handler()
    handle.go.set()
    answers = await settled(put_all(gathering, handle, [11, 12, 13, 14]))
    assert [answers[0], answers[1], answers[3]] == [22, 24, 28]
    with pytest.raises(ValueError, match="unlucky"):
        raise answers[2]


async def test_keys_do_not_wait_for_each_other():
    gathering, slow, quick = Gathering(), Handler(), Handler()
    quick.go.set()
    waiting = put_all(gathering, slow, [1], key="slow")
    assert await settled(put_all(gathering, quick, [2], key="quick")) == [4]
    slow.go.set()
    assert await settled(waiting) == [2]


async def test_whoever_goes_away_holds_up_nobody():
    gathering, handle = Gathering(), Handler()
    first, second, third = put_all(gathering, handle, [1, 2, 3])
    await asyncio.sleep(0)
    second.cancel()
    handle.go.set()
    answers = await settled([first, second, third])
    assert (answers[0], answers[2]) == (2, 6)
    assert isinstance(answers[1], asyncio.CancelledError)
