// Proves: a second batch of writes waits until it helps, and then waits no longer; and reads never wait for one another. The clock is the test's.

import { describe, expect, test } from 'bun:test'
import { createBatcher } from '../../src/app/batcher.ts'
import type { BatcherClock } from '../../src/app/batcherClock.ts'
import { msToNextLane, type LaneLoad } from '../../src/app/lanes.ts'

const lanes = { lanes: 2, batchMax: 100, kind: 'write' } as const
const load = (changed: Partial<LaneLoad>): LaneLoad => ({
  waiting: 1,
  running: 1,
  startedAt: 1_000,
  now: 1_000,
  ...changed,
})

describe('the next lane', () => {
  test.each([
    ['starts at once where none runs', { running: 0, startedAt: 999 }, 0],
    ['does not start for nothing', { running: 0, waiting: 0 }, null],
    ['does not start for nothing beside another either', { waiting: 0, now: 2_000 }, null],
    ['waits for the one that has just begun', {}, 8],
    ['waits for what is left of that', { now: 1_005 }, 3],
    ['starts once that one takes long', { now: 1_008 }, 0],
    ['starts once that one takes very long', { now: 9_000 }, 0],
    ['waits while less than a quarter of a batch waits', { waiting: 24 }, 8],
    ['starts where a quarter of a batch waits', { waiting: 25 }, 0],
    ['does not start beyond the limit, whatever waits', { running: 2, waiting: 5_000, now: 9_000 }, null],
  ] as const)('%s', (_, changed, ms) => {
    expect(msToNextLane(lanes, load(changed))).toBe(ms)
  })

  test('of reads starts at once', () => {
    expect(msToNextLane({ ...lanes, kind: 'read' }, load({}))).toBe(0)
    expect(msToNextLane({ ...lanes, kind: 'read' }, load({ running: 2 }))).toBeNull()
  })
})

/** A clock that stands until the test moves it. */
const standingClock = () => {
  let now = 0
  let rings: { at: number; ring: () => void }[] = []
  const clock: BatcherClock = { now: () => now, after: (ms, ring) => void rings.push({ at: now + ms, ring }) }
  return {
    clock,
    waiting: () => rings.length,
    moveTo(ms: number) {
      now = ms
      const due = rings.filter(({ at }) => at <= ms)
      rings = rings.filter(({ at }) => at > ms)
      for (const { ring } of due) ring()
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A batcher on a clock that stands, whose batches end when the test says so. */
const open = (kind: 'read' | 'write' = 'write') => {
  const time = standingClock()
  const batches: { items: string[]; end: () => void }[] = []
  const batcher = createBatcher<string, string>({
    run: (items) => {
      const { promise, resolve } = Promise.withResolvers<readonly string[]>()
      batches.push({ items: [...items], end: () => resolve(items) })
      return promise
    },
    batchMax: 12,
    lanes: 2,
    queueMax: 100,
    deadlineMs: 30_000,
    kind,
    clock: time.clock,
    onBug: (error) => {
      throw error
    },
  })
  const submit = async (...items: string[]): Promise<void> => {
    for (const item of items) void batcher.submit(item)
    await turn()
  }
  return { time, batches, submit, batcher, started: () => batches.map(({ items }) => items.join('')) }
}

describe('a batcher', () => {
  test('lets what arrives during a short batch share the next one', async () => {
    const { time, batches, submit, started, batcher } = open()
    await submit('a')
    time.moveTo(3)
    await submit('b')
    time.moveTo(7)
    expect(started()).toEqual(['a'])
    batches[0]!.end()
    await turn()
    expect(started()).toEqual(['a', 'b'])
    batcher.close()
  })

  test('starts a second batch beside one that takes long, and a third beside none', async () => {
    const { time, batches, submit, started, batcher } = open()
    await submit('a')
    time.moveTo(2)
    await submit('b')
    await submit('c')
    // However many came, one ring is enough.
    expect(time.waiting()).toBe(1)
    expect(started()).toEqual(['a'])
    time.moveTo(8)
    expect(started()).toEqual(['a', 'bc'])
    await submit('d')
    time.moveTo(100)
    expect(started()).toEqual(['a', 'bc'])
    batches[0]!.end()
    await turn()
    expect(started()).toEqual(['a', 'bc', 'd'])
    batcher.close()
  })

  test('starts one at once where a quarter of a batch waits', async () => {
    const { submit, started, batcher } = open()
    await submit('a')
    await submit('b', 'c')
    expect(started()).toEqual(['a'])
    await submit('d')
    expect(started()).toEqual(['a', 'bcd'])
    batcher.close()
  })

  test('of reads starts one for whatever comes', async () => {
    const { submit, started, batcher } = open('read')
    await submit('a')
    await submit('b')
    expect(started()).toEqual(['a', 'b'])
    batcher.close()
  })

  test('takes a ring that was meant for an earlier batch for a look at the one that runs', async () => {
    const { time, batches, submit, started, batcher } = open()
    await submit('a')
    time.moveTo(2)
    await submit('b')
    time.moveTo(6)
    batches[0]!.end()
    await turn()
    await submit('c')
    time.moveTo(8)
    expect(started()).toEqual(['a', 'b'])
    time.moveTo(14)
    expect(started()).toEqual(['a', 'b', 'c'])
    batcher.close()
  })
})
