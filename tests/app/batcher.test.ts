// Proves: what arrives together is stored together and answered one by one; a unit waits, runs and is refused as a whole; waiting is bounded
// in number and time; one faulty item never fails its neighbours; and an answer that was lost is never taken for a failure.

import { afterEach, describe, expect, test } from 'bun:test'
import {
  createBatcher,
  runBatch,
  type Batcher,
  type BatcherOptions,
  type BatchRefusal,
  type BatchReport,
} from '../../src/app/batcher.ts'
import { until } from '../support/until.ts'

const withCode = (code: string): Error => Object.assign(new Error(code), { code })
const dataError = withCode('23514')
const lostAnswer = withCode('CONNECTION_CLOSED')
const deadlock = withCode('40P01')
const refusedConnection = withCode('ECONNREFUSED')

const opened: { close: () => void }[] = []
afterEach(() => opened.splice(0).forEach((batcher) => batcher.close()))

const eight = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

type Options = BatcherOptions<string, string>
const create = (options: Partial<Options> & Pick<Options, 'run'>): Batcher<string, string> => {
  const batcher = createBatcher<string, string>({
    batchMax: 100,
    lanes: 1,
    queueMax: 1_000,
    deadlineMs: 30_000,
    kind: 'write',
    onBug: (error) => {
      throw error
    },
    ...options,
  })
  opened.push(batcher)
  return batcher
}

/** Runs that wait until the test lets them go, oldest first. */
const gated = () => {
  const batches: string[][] = []
  const waiting: { finish: () => void; fail: (error: Error) => void }[] = []
  return {
    batches,
    waiting,
    run: (items: readonly string[]) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
      batches.push([...items])
      waiting.push({ finish: () => resolve(items.map((item) => `${item}!`)), fail: reject })
      return promise
    },
    started: (count: number) => until(() => batches.length >= count, { what: `${count} batches have started` }),
  }
}

describe('group commit', () => {
  test('answers each item with its own result', async () => {
    const batcher = create({ run: async (items) => items.map((item) => item.toUpperCase()) })
    expect(await Promise.all(['a', 'b', 'c'].map(batcher.submit))).toEqual(['A', 'B', 'C'])
  })

  test('takes what arrives together into one batch', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run })
    const answers = ['a', 'b', 'c'].map(batcher.submit)
    await gate.started(1)
    expect(gate.batches).toEqual([['a', 'b', 'c']])
    gate.waiting[0]!.finish()
    expect(await Promise.all(answers)).toEqual(['a!', 'b!', 'c!'])
  })

  test('lets what arrives during a run share the next one, in order of arrival', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run })
    const first = batcher.submit('a')
    await gate.started(1)
    const rest = ['b', 'c', 'd'].map(batcher.submit)
    expect(batcher.load()).toEqual({ queued: 3, running: 1 })
    gate.waiting[0]!.finish()
    expect(await first).toBe('a!')
    await gate.started(2)
    expect(gate.batches).toEqual([['a'], ['b', 'c', 'd']])
    gate.waiting[1]!.finish()
    expect(await Promise.all(rest)).toEqual(['b!', 'c!', 'd!'])
  })

  test('tells of every batch how long it waited and took, whatever became of it', async () => {
    const gate = gated()
    const batches: BatchReport[] = []
    const batcher = create({ run: gate.run, onBug: () => undefined, onBatch: (batch) => batches.push(batch) })
    const submittedAt = performance.now()
    const answers = ['a', 'b'].map(batcher.submit)
    await gate.started(1)
    const startedMs = performance.now() - submittedAt
    answers.push(batcher.submit('c'))
    await Bun.sleep(startedMs + 50)
    gate.waiting[0]!.finish()
    await gate.started(2)
    gate.waiting[1]!.fail(new TypeError('a bug'))
    await Promise.all(answers)
    await batcher.drained()
    expect(batches.map(({ items }) => items)).toEqual([2, 1])
    expect(batches[0]!.tookMs).toBeGreaterThan(45)
    expect(batches[1]!.waitedMs).toBeGreaterThan(45)
    // Not the time of the run as well.
    expect(batches[0]!.waitedMs).toBeLessThanOrEqual(startedMs)
  })

  test('starts the next batch only where a lane is free, and none longer than the limit', async () => {
    const gate = gated()
    const sizes: number[] = []
    const batcher = create({ run: gate.run, lanes: 2, batchMax: 3, onBatch: ({ items }) => sizes.push(items) })
    const answers = eight.map(batcher.submit)
    await gate.started(2)
    expect(batcher.load()).toEqual({ queued: 2, running: 6 })
    gate.waiting[1]!.finish()
    await gate.started(3)
    expect(gate.batches).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
      ['g', 'h'],
    ])
    gate.waiting.forEach(({ finish }) => finish())
    expect(await Promise.all(answers)).toEqual(eight.map((item) => `${item}!`))
    expect(sizes).toEqual([3, 3, 2])
  })

  test('is drained when nothing waits and nothing runs', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run, batchMax: 1 })
    await batcher.drained()
    const answers = ['a', 'b'].map(batcher.submit)
    let drained = false
    const draining = batcher.drained().then(() => (drained = true))
    await gate.started(1)
    gate.waiting[0]!.finish()
    await gate.started(2)
    expect(drained).toBe(false)
    gate.waiting[1]!.finish()
    await draining
    expect(await Promise.all(answers)).toEqual(['a!', 'b!'])
    expect(batcher.load()).toEqual({ queued: 0, running: 0 })
  })

  test('goes on after a batch that failed', async () => {
    let fails = true
    const batcher = create({
      run: async (items) => {
        if (fails) throw new Error('a bug')
        return items
      },
      onBug: () => undefined,
    })
    expect(await batcher.submit('a')).toMatchObject({ ok: false, code: 'INTERNAL' })
    fails = false
    expect(await batcher.submit('b')).toBe('b')
  })
})

describe('a unit', () => {
  const refusals = (count: number, code: BatchRefusal['code']): BatchRefusal[] =>
    Array.from({ length: count }, () => ({ ok: false, code }))

  test('is answered item by item, in its order', async () => {
    const batcher = create({ run: async (items) => items.map((item) => item.toUpperCase()) })
    expect(await batcher.submitAll(['a', 'b', 'c'])).toEqual(['A', 'B', 'C'])
    expect(await batcher.submitAll([])).toEqual([])
  })

  test('shares a batch with what waits beside it, in order of arrival', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run })
    const [first, unit, last] = [batcher.submit('a'), batcher.submitAll(['b', 'c', 'd']), batcher.submit('e')]
    await gate.started(1)
    expect(gate.batches).toEqual([['a', 'b', 'c', 'd', 'e']])
    gate.waiting[0]!.finish()
    expect([await first, await unit, await last]).toEqual(['a!', ['b!', 'c!', 'd!'], 'e!'])
  })

  test('is never split over two batches: what does not fit waits for the next one, and nothing overtakes it', async () => {
    const gate = gated()
    const sizes: number[] = []
    const batcher = create({ run: gate.run, batchMax: 4, onBatch: ({ items }) => sizes.push(items) })
    const answers = [
      batcher.submitAll(['a', 'b', 'c']),
      batcher.submitAll(['d', 'e']),
      batcher.submitAll(['f', 'g']),
      batcher.submit('h').then((answer) => [answer]),
    ]
    for (let at = 0; at < 3; at++) {
      await gate.started(at + 1)
      gate.waiting[at]!.finish()
    }
    expect((await Promise.all(answers)).flat()).toEqual(eight.map((item) => `${item}!`))
    expect(gate.batches).toEqual([['a', 'b', 'c'], ['d', 'e', 'f', 'g'], ['h']])
    expect(sizes).toEqual([3, 4, 1])
  })

  test('that is larger than a batch runs alone', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run, batchMax: 2, lanes: 2 })
    const answers = [batcher.submitAll(eight.slice(0, 7)), batcher.submit('h')]
    await gate.started(2)
    expect(gate.batches).toEqual([eight.slice(0, 7), ['h']])
    expect(batcher.load()).toEqual({ queued: 0, running: 8 })
    gate.waiting.forEach(({ finish }) => finish())
    expect((await Promise.all(answers)).flat()).toEqual(eight.map((item) => `${item}!`))
  })

  test('without room for all of it is refused whole, and what fits is taken afterwards', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run, batchMax: 10, queueMax: 4 })
    const running = batcher.submit('running')
    await gate.started(1)
    const waiting = [batcher.submit('a')]
    expect(await batcher.submitAll(['x', 'x', 'x', 'x'])).toEqual(refusals(4, 'OVERLOADED'))
    const unit = batcher.submitAll(['b', 'c', 'd'])
    expect([batcher.load(), batcher.isFull()]).toEqual([{ queued: 4, running: 1 }, true])
    expect([await batcher.submit('x')]).toEqual(refusals(1, 'OVERLOADED'))
    gate.waiting[0]!.finish()
    await gate.started(2)
    expect([batcher.load(), batcher.isFull()]).toEqual([{ queued: 0, running: 4 }, false])
    gate.waiting[1]!.finish()
    expect([await running, ...(await Promise.all(waiting)), ...(await unit)]).toEqual([
      'running!',
      'a!',
      'b!',
      'c!',
      'd!',
    ])
    expect(gate.batches).toEqual([['running'], ['a', 'b', 'c', 'd']])
  })

  test('past the deadline is refused whole, and its room is free again', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run, deadlineMs: 1_000, batchMax: 1, queueMax: 3 })
    const running = batcher.submitAll(['r', 's'])
    await gate.started(1)
    const queued = batcher.submitAll(['a', 'b', 'c'])
    expect(await running).toEqual(refusals(2, 'OUTCOME_UNKNOWN'))
    expect(await queued).toEqual(refusals(3, 'OVERLOADED'))
    expect(batcher.load()).toEqual({ queued: 0, running: 2 })
    const later = batcher.submitAll(['d', 'e', 'f'])
    gate.waiting[0]!.finish()
    await gate.started(2)
    gate.waiting[1]!.finish()
    expect(await later).toEqual(['d!', 'e!', 'f!'])
    expect(gate.batches).toEqual([
      ['r', 's'],
      ['d', 'e', 'f'],
    ])
  })

  test('with a guilty item is answered for the rest of it, and so are its neighbours', async () => {
    const stored: string[] = []
    const bugs: unknown[] = []
    const batcher = create({
      run: async (items) => {
        if (items.includes('guilty')) throw dataError
        stored.push(...items)
        return items.map((item) => `${item}!`)
      },
      onBug: (error) => bugs.push(error),
    })
    const answers = [batcher.submit('a'), batcher.submitAll(['b', 'guilty', 'c']), batcher.submitAll(['d', 'e'])]
    expect((await Promise.all(answers)).flat()).toEqual(['a!', 'b!', { ok: false, code: 'INTERNAL' }, 'c!', 'd!', 'e!'])
    expect([stored, bugs]).toEqual([['a', 'b', 'c', 'd', 'e'], [dataError]])
  })
})

describe('everything is bounded:', () => {
  test('a call beyond the limit is refused at once, and stores nothing', async () => {
    const gate = gated()
    const batcher = create({ run: gate.run, batchMax: 1, queueMax: 2 })
    const running = batcher.submit('running')
    await gate.started(1)
    expect(batcher.isFull()).toBe(false)
    const waiting = ['a', 'b'].map(batcher.submit)
    expect(batcher.isFull()).toBe(true)
    expect(await batcher.submit('c')).toEqual({ ok: false, code: 'OVERLOADED' })
    gate.waiting[0]!.finish()
    await gate.started(2)
    gate.waiting[1]!.finish()
    await gate.started(3)
    gate.waiting[2]!.finish()
    expect(await Promise.all([running, ...waiting])).toEqual(['running!', 'a!', 'b!'])
    expect(gate.batches.flat()).not.toContain('c')
  })

  for (const [kind, inFlight] of [
    ['write', 'OUTCOME_UNKNOWN'],
    ['read', 'OVERLOADED'],
  ] as const)
    test(`a ${kind} that waits past the deadline is OVERLOADED in the queue, ${inFlight} in flight`, async () => {
      const gate = gated()
      const batcher = create({ run: gate.run, kind, deadlineMs: 1_000, batchMax: 1 })
      const running = batcher.submit('running')
      await gate.started(1)
      const queued = batcher.submit('queued')
      expect(await running).toEqual({ ok: false, code: inFlight })
      expect(await queued).toEqual({ ok: false, code: 'OVERLOADED' })
      gate.waiting[0]!.finish()
      await batcher.drained()
      expect(gate.batches).toEqual([['running']])
    })
})

describe('a batch that fails', () => {
  type Attempt = { items: string[]; again: boolean }
  /** A run that fails as `failures` say, call by call, and then answers; what it was asked is kept. */
  const scripted = (failures: (Error | null)[]) => {
    const attempts: Attempt[] = []
    return {
      attempts,
      run: async (items: readonly string[], { again }: { again: boolean }) => {
        const failure = failures[attempts.length] ?? null
        attempts.push({ items: [...items], again })
        if (failure !== null) throw failure
        return items.map((item) => `${item}!`)
      },
    }
  }
  const bugs: unknown[] = []
  const reasons: unknown[] = []
  const settle = (
    run: Options['run'],
    items: string[],
    { kind = 'write', patienceMs = 30_000 }: { kind?: 'read' | 'write'; patienceMs?: number } = {},
  ) => {
    bugs.length = 0
    reasons.length = 0
    const observers = {
      onBug: (error: unknown) => bugs.push(error),
      onRefused: (error: unknown) => reasons.push(error),
    }
    return runBatch(items, { run, kind, ...observers, giveUpAt: performance.now() + patienceMs })
  }
  const refused = (code: BatchRefusal['code']): BatchRefusal => ({ ok: false, code })

  test('on a data error is split until the guilty item stands alone; its neighbours are stored', async () => {
    const stored: string[] = []
    const run = async (items: readonly string[]) => {
      if (items.includes('guilty')) throw dataError
      stored.push(...items)
      return items.map((item) => `${item}!`)
    }
    const items = ['a', 'b', 'c', 'guilty', 'd', 'e', 'f', 'g']
    expect(await settle(run, items)).toEqual(['a!', 'b!', 'c!', refused('INTERNAL'), 'd!', 'e!', 'f!', 'g!'])
    expect(stored).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    expect(bugs).toEqual([dataError])
  })

  test('finds every guilty item, in few attempts', async () => {
    let attempts = 0
    const run = async (items: readonly string[]) => {
      attempts++
      if (items.some((item) => item.startsWith('guilty'))) throw dataError
      return items
    }
    const items = Array.from({ length: 256 }, (_, i) => (i === 3 || i === 200 ? `guilty ${i}` : `${i}`))
    const results = await settle(run, items)
    expect(results.flatMap((result, i) => (typeof result === 'string' ? [] : [i]))).toEqual([3, 200])
    expect(attempts).toBeLessThan(40)
  })

  test('on a deadlock is run whole again, as if for the first time', async () => {
    const { run, attempts } = scripted([deadlock, deadlock])
    expect(await settle(run, ['a', 'b'])).toEqual(['a!', 'b!'])
    expect(attempts).toEqual(Array.from({ length: 3 }, () => ({ items: ['a', 'b'], again: false })))
    expect(reasons).toEqual([])
  })

  test('whose answer was lost is run again, and told so', async () => {
    const { run, attempts } = scripted([lostAnswer])
    expect(await settle(run, ['a'])).toEqual(['a!'])
    expect(attempts.map(({ again }) => again)).toEqual([false, true])
  })

  test('stays told so after another failure, and in both of its halves', async () => {
    const { run, attempts } = scripted([lostAnswer, deadlock, dataError])
    expect(await settle(run, ['a', 'b'])).toEqual(['a!', 'b!'])
    expect(attempts).toEqual([
      { items: ['a', 'b'], again: false },
      { items: ['a', 'b'], again: true },
      { items: ['a', 'b'], again: true },
      { items: ['a'], again: true },
      { items: ['b'], again: true },
    ])
  })

  test('is refused at once if Postgres is away and nothing can have been stored', async () => {
    const { run, attempts } = scripted(Array.from({ length: 100 }, () => refusedConnection))
    expect(await settle(run, ['a', 'b'])).toEqual([refused('OVERLOADED'), refused('OVERLOADED')])
    expect(attempts).toHaveLength(1)
    expect(reasons).toEqual([refusedConnection])
  })

  test('is tried again if an earlier attempt may have stored it', async () => {
    const { run, attempts } = scripted([lostAnswer, refusedConnection, refusedConnection])
    expect(await settle(run, ['a'])).toEqual(['a!'])
    expect(attempts).toHaveLength(4)
  })

  test('has an unknown outcome where that could not be found out in time', async () => {
    const { run } = scripted([lostAnswer, ...Array.from({ length: 1_000 }, () => refusedConnection)])
    expect(await settle(run, ['a'], { patienceMs: 120 })).toEqual([refused('OUTCOME_UNKNOWN')])
    expect(reasons).toEqual([refusedConnection])
  })

  test('is only OVERLOADED if it reads, because a read stores nothing', async () => {
    const { run } = scripted([lostAnswer, refusedConnection])
    expect(await settle(run, ['a'], { kind: 'read' })).toEqual([refused('OVERLOADED')])
    const lost = scripted(Array.from({ length: 1_000 }, () => lostAnswer))
    expect(await settle(lost.run, ['a'], { kind: 'read', patienceMs: 120 })).toEqual([refused('OVERLOADED')])
  })

  test('is OVERLOADED if contention does not end in time', async () => {
    const { run } = scripted(Array.from({ length: 1_000 }, () => deadlock))
    expect(await settle(run, ['a'], { patienceMs: 120 })).toEqual([refused('OVERLOADED')])
    expect({ bugs, reasons }).toEqual({ bugs: [], reasons: [deadlock] })
  })

  test('on a bug is refused without another attempt, and the bug is reported', async () => {
    const bug = new TypeError('a bug')
    const { run, attempts } = scripted([bug])
    expect(await settle(run, ['a', 'b'])).toEqual([refused('INTERNAL'), refused('INTERNAL')])
    expect(attempts).toHaveLength(1)
    expect(bugs).toEqual([bug])
  })

  test('on a bug after a lost answer has an unknown outcome', async () => {
    const { run } = scripted([lostAnswer, new TypeError('a bug')])
    expect(await settle(run, ['a'])).toEqual([refused('OUTCOME_UNKNOWN')])
  })
})

test.each([
  { committed: true, code: 'OUTCOME_UNKNOWN' },
  { committed: false, code: 'OVERLOADED' },
] as const)('a batch that fails with something committed ($committed) is $code', async ({ committed, code }) => {
  const results = await runBatch(['one', 'two'], {
    run(_items, { stored }) {
      if (committed) stored()
      return Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
    },
    kind: 'write',
    onBug: () => undefined,
    giveUpAt: performance.now(),
  })
  expect(results).toEqual([
    { ok: false, code },
    { ok: false, code },
  ])
})
