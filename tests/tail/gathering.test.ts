// Proves: a follower that gets change after change has them together and in their order, one that gets few has each at once, and neither the
// bounds of a slow reader, nor its cursors, nor an end, nor a reset suffer from that.

import { expect, test } from 'bun:test'
import type { EventFilter, Step } from '../../src/app/follow.ts'
import { createFollower } from '../../src/tail/follower.ts'
import { admittedMax, createGathering } from '../../src/tail/gathering.ts'
import { createLive } from '../../src/tail/live.ts'
import type { Reader } from '../../src/tail/reader.ts'
import { createRing, type Entry } from '../../src/tail/ring.ts'
import { eventOf } from '../http/stream/fakeFollow.ts'
import { quietLog } from '../support/quietLog.ts'
import { until } from '../support/until.ts'

/** A window that no test lives to see the end of. */
const endless = 3_600_000

const place = { epoch: 1, snapshot: { xmax: 1n, xip: [] }, witness: null, page: null }

/** A tail without its reader: the test delivers. */
const openHead = ({
  gatherMs = endless,
  bufferMaxBytes = 1_048_576,
  page = null as Promise<{ orders: readonly object[]; nextBefore: null; standby: false }> | null,
} = {}) => {
  const live = createLive()
  const ring = createRing({ eventsMax: 0, bytesMax: 0 })
  ring.restart(place)
  const nothing = (): never => {
    throw new Error('nobody reads Postgres here')
  }
  const reader: Reader = {
    enter: () => () => undefined,
    wake: () => undefined,
    head: () => place,
    ready: () => Promise.resolve(),
    afresh: nothing,
    close: () => undefined,
    obstacle: () => null,
    lagMs: () => 0,
  }
  const parts = {
    reader,
    ring,
    live,
    gathering: createGathering(gatherMs),
    catchUp: { verify: nothing, read: nothing, lengthen: nothing } as never,
    lists: { run: () => page ?? nothing() } as never,
    listLanes: { run: (task: () => unknown) => task() } as never,
    nowMs: () => 0,
    bufferMaxBytes,
    log: quietLog().log,
  }
  let lagged = 0
  let count = 0
  /** A follower at the head; with `reads`, what it got. */
  const follow = async (filter: EventFilter = {}) => {
    const follower = createFollower(parts, {
      filter,
      stage: { kind: 'ring', origin: place, number: ring.first(), place },
      onLagging: () => lagged++,
      onEnd: () => undefined,
    })
    const steps: Step[] = []
    const first = follower.next()
    await turn()
    expect(follower.isLive()).toBeTrue()
    return {
      follower,
      first,
      steps,
      /** Reads all that comes, as a door does whose client reads fast. */
      read() {
        const pull = async (step: Promise<Step>): Promise<void> => {
          const got = await step
          steps.push(got)
          if (got.kind !== 'ended' && got.kind !== 'lagging') return pull(follower.next())
        }
        void pull(first)
      },
      sizes: () => steps.map((step) => (step.kind === 'events' ? step.events.length : step.kind)),
      cursors: () => steps.flatMap((step) => (step.kind === 'events' ? step.events.map(({ cursor }) => cursor) : [])),
    }
  }
  /** A change of its own; it comes as one look of the reader brings it. */
  const deliver = async (changed: { userId?: string; padding?: number } = {}): Promise<string> => {
    const { event, cursor } = eventOf(++count, changed.padding)
    const { userId = event.userId } = changed
    const entry: Entry = { event: { ...event, userId }, cursor, xact: BigInt(count) }
    live.deliver([entry])
    await turn()
    return cursor
  }
  return { follow, deliver, live, lagged: () => lagged }
}

/** All that is due is done. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const deliverMany = async (deliver: () => Promise<string>, times: number): Promise<string[]> => {
  const cursors: string[] = []
  for (let i = 0; i < times; i++) cursors.push(await deliver())
  return cursors
}

test('the first changes come at once, those after them together and in their order', async () => {
  const { follow, deliver } = openHead({ gatherMs: 200 })
  const reading = await follow()
  reading.read()
  const cursors = await deliverMany(deliver, admittedMax)
  expect(reading.sizes()).toEqual([1, 1, 1, 1])
  cursors.push(...(await deliverMany(deliver, 10)))
  await until(() => reading.cursors().length === cursors.length, { what: 'all have come' })
  expect(reading.cursors()).toEqual(cursors)
  expect(reading.steps.length).toBeLessThan(cursors.length)
})

test('what is held back stays so until its window ends', async () => {
  const { follow, deliver } = openHead()
  const reading = await follow()
  reading.read()
  await deliverMany(deliver, admittedMax + 3)
  expect(reading.sizes()).toEqual([1, 1, 1, 1])
})

test('one that gets few has each at once, whatever others get', async () => {
  const { follow, deliver } = openHead()
  const busy = await follow()
  const quiet = await follow({ userId: 'somebody' })
  busy.read()
  quiet.read()
  await deliverMany(deliver, admittedMax + 1)
  const cursor = await deliver({ userId: 'somebody' })
  expect(quiet.cursors()).toEqual([cursor])
  expect(busy.steps).toHaveLength(admittedMax)
})

test('the end of a window takes nothing from one that began anew meanwhile', async () => {
  const { promise: page, resolve } = Promise.withResolvers<{ orders: object[]; nextBefore: null; standby: false }>()
  const { follow, deliver, live } = openHead({ gatherMs: 500, page })
  const anew = await follow()
  anew.read()
  await deliverMany(deliver, admittedMax + 1)
  live.reset('OTHER_DATABASE')
  await turn()
  const other = await follow()
  other.read()
  await deliverMany(deliver, admittedMax + 1)
  await until(() => other.cursors().length === admittedMax + 1, { what: 'the window is over' })
  resolve({ orders: [{}], nextBefore: null, standby: false })
  await until(() => anew.sizes().includes('live'), { what: 'the snapshot was read' })
  expect(anew.sizes().slice(admittedMax)).toEqual(['reset', 'snapshot', 'live'])
  anew.follower.close()
})

test('a window gives back what a quiet time needs, and no more', async () => {
  let released = 0
  const one = { release: () => released++ }
  const gathering = createGathering(1)
  const admitted = (): number => {
    let count = 0
    while (gathering.admits(one)) count++
    return count
  }
  expect(admitted()).toBe(admittedMax)
  await until(() => released === 1, { what: 'it is released' })
  await until(
    async () => {
      await Bun.sleep(50)
      return admitted() === admittedMax
    },
    { what: 'all of it is back' },
  )
  const endlessly = createGathering(endless)
  for (let i = 0; i < admittedMax; i++) expect(endlessly.admits(one)).toBeTrue()
  expect(endlessly.admits(one)).toBeFalse()
})

test('who waits is counted, until it has left', () => {
  const gathering = createGathering(endless)
  const [one, other] = [{ release: () => undefined }, { release: () => undefined }]
  for (let i = 0; i < admittedMax; i++) gathering.admits(one)
  gathering.admits(other)
  expect(gathering.waiting()).toBe(1)
  for (let i = 0; i < 2 * admittedMax; i++) gathering.admits(other)
  expect(gathering.waiting()).toBe(2)
  gathering.forget(one)
  gathering.forget(one)
  expect(gathering.waiting()).toBe(1)
  expect(gathering.admits(one)).toBeTrue()
})

test('without a window everything comes at once', async () => {
  const { follow, deliver } = openHead({ gatherMs: 0 })
  const reading = await follow()
  reading.read()
  await deliverMany(deliver, 50)
  expect(reading.sizes()).toEqual(Array.from({ length: 50 }, () => 1))
})

test('much is not held back: it would wait in memory', async () => {
  const { follow, deliver } = openHead({ bufferMaxBytes: 65_536 })
  const reading = await follow()
  reading.read()
  const cursors = await deliverMany(deliver, admittedMax + 1)
  cursors.push(await deliver({ padding: 20_000 }))
  expect(reading.cursors()).toEqual(cursors)
  expect(reading.sizes()).toEqual([1, 1, 1, 1, 2])
})

test('one that reads is not too slow because something was held back from it', async () => {
  const { follow, deliver, lagged } = openHead({ bufferMaxBytes: 65_536 })
  const reading = await follow()
  reading.read()
  const cursors = await deliverMany(deliver, admittedMax + 1)
  cursors.push(await deliver({ padding: 100_000 }))
  expect(lagged()).toBe(0)
  expect(reading.cursors()).toEqual(cursors)
})

test('one that does not read is given up at the same bound as without a window', async () => {
  const { follow, deliver, lagged } = openHead({ bufferMaxBytes: 65_536 })
  const { first, follower } = await follow()
  const cursor = await deliver()
  expect((await first).kind).toBe('events')
  await deliver({ padding: 40_000 })
  expect(lagged()).toBe(0)
  await deliver({ padding: 40_000 })
  expect(lagged()).toBe(1)
  expect(await follower.next()).toEqual({ kind: 'lagging', cursor })
})

test('the end hands over what was held back, then says its cursor', async () => {
  const { follow, deliver } = openHead()
  const reading = await follow()
  reading.read()
  const cursors = await deliverMany(deliver, admittedMax + 2)
  reading.follower.end()
  await turn()
  expect(reading.cursors()).toEqual(cursors)
  expect(reading.steps.at(-1)).toEqual({ kind: 'ended', cursor: cursors.at(-1)! })
})

test('one that is closed gets nothing more', async () => {
  const { follow, deliver } = openHead()
  const reading = await follow()
  reading.read()
  const cursors = await deliverMany(deliver, admittedMax + 2)
  reading.follower.close()
  await turn()
  expect(reading.steps.at(-1)).toEqual({ kind: 'ended', cursor: cursors[admittedMax - 1]! })
  expect(reading.steps).toHaveLength(admittedMax + 1)
})

test('a heartbeat does not move the cursor over what is held back', async () => {
  const { follow, deliver } = openHead()
  const reading = await follow()
  reading.read()
  await deliverMany(deliver, admittedMax + 1)
  reading.follower.tick()
  reading.follower.tick()
  await turn()
  expect(reading.sizes()).toEqual([1, 1, 1, 1])
})

test('one that begins anew in another database gets nothing of the former one', async () => {
  const { follow, deliver, live } = openHead()
  const reading = await follow()
  reading.read()
  await deliverMany(deliver, admittedMax + 1)
  live.reset('OTHER_DATABASE')
  await turn()
  reading.follower.end()
  await turn()
  expect(reading.sizes()).toEqual([1, 1, 1, 1, 'reset', 'ended'])
})
