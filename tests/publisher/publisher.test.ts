// Proves: the log comes to its topic whole and in order, with repeats at most: from two replicas, over restarts, refusals and lost places.

import { afterEach, describe, expect, test } from 'bun:test'
import { applyTrades } from '../../src/app/fill.ts'
import { decodeCursor, encodeCursor } from '../../src/tail/cursor.ts'
import { aTrade, newId } from '../support/builders.ts'
import { becomeCopy } from '../support/logicalCopy.ts'
import { createRandom } from '../support/random.ts'
import { until } from '../support/until.ts'
import { createPublisherWorld, type PublisherWorld, type Sent } from './world.ts'

let world: PublisherWorld
afterEach(() => world.stop())

const zero = (ids: readonly string[]): string[] => ids.map((id) => `${id}.0`)

/** Every version once, of each order in their order, and each order in the partition of its ticker. */
const expectOrdered = (firsts: readonly Sent[]): void => {
  const versions = Map.groupBy(firsts, ({ eventId }) => eventId.split('.')[0]!)
  for (const [order, events] of versions)
    expect([order, ...events.map(({ eventId }) => Number(eventId.split('.')[1]))]).toEqual([
      order,
      ...events.map((_, i) => i),
    ])
  for (const events of Map.groupBy(firsts, ({ ticker }) => ticker).values())
    expect(new Set(events.map(({ partition }) => partition)).size).toBe(1)
}

describe('one publisher', () => {
  test('begins with what happens from now on, and sends each event with its order', async () => {
    world = await createPublisherWorld()
    await world.place('OLD')
    const { publisher } = await world.begin()
    const [id] = await world.place('NEW')
    await world.has([`${id}.0`])
    await world.cancel(id!)
    await world.has([`${id}.1`])
    expect(world.topic.sent.map(({ ticker, eventId }) => [ticker, eventId])).toEqual([
      ['NEW', `${id}.0`],
      ['NEW', `${id}.1`],
    ])
    const { event, order } = JSON.parse(world.topic.sent[1]!.value)
    expect(event).toMatchObject({
      orderId: id,
      version: 1,
      kind: 'CANCELED',
      status: 'CANCELED',
      reason: { code: 'USER_CANCELED' },
    })
    expect(order).toMatchObject({ id, version: 1, status: 'CANCELED' })
    await until(() => publisher.state().oldestAgeMs === 0, { what: 'nothing waits' })
    expect(publisher.state()).toEqual({ held: true, published: 2, oldestAgeMs: 0, obstacle: null })
  })

  test('orders of one batch go in order of arrival', async () => {
    world = await createPublisherWorld()
    await world.begin()
    const ids = await world.place(...Array.from({ length: 60 }, () => 'ONE'))
    await world.has(zero(ids))
    expect(world.topic.sent.map(({ eventId }) => eventId)).toEqual(zero(ids))
  })

  test('that cannot read the log says for how long, and goes on afterwards', async () => {
    world = await createPublisherWorld()
    const { publisher } = await world.begin()
    await world.sql`alter table log_epochs rename to log_epochs_away`
    await until(() => publisher.state().oldestAgeMs > 1_500, { what: 'its age grows', deadlineMs: 30_000 })
    expect(publisher.state().obstacle).not.toBe(null)
    await world.sql`alter table log_epochs_away rename to log_epochs`
    const [id] = await world.place('A')
    await world.has([`${id}.0`])
    await until(() => publisher.state().oldestAgeMs === 0, { what: 'nothing waits' })
  })

  test('goes on where it was, also after an end without any warning', async () => {
    world = await createPublisherWorld()
    const first = await world.begin()
    const before = await world.place('A', 'B')
    await world.has(zero(before))
    await first.stop()
    const between = await world.place('A', 'C')
    world.start()
    await world.has(zero(between))
    expect(world.topic.firsts()).toHaveLength(4)
    expect(world.topic.sent).toHaveLength(4)
  })

  test('one partition that refuses holds up the log, is said, and loses and reorders nothing', async () => {
    world = await createPublisherWorld()
    const { publisher, lines } = await world.begin()
    const ids = await world.place('A', 'B', 'C', 'D', 'E', 'F')
    await world.has(zero(ids))
    const sick = world.topic.sent[0]!.partition
    world.topic.takenAnyway = 1
    world.topic.refuse = (partition) => (partition === sick ? new Error('the leader is away') : null)
    const more = [...(await world.place('A', 'B', 'C')), ...(await world.place('A', 'B', 'C'))]
    await until(() => publisher.state().obstacle === 'the leader is away', { what: 'the obstacle is said' })
    await until(() => publisher.state().oldestAgeMs > 300, { what: 'its age grows' })
    expect(lines.some(({ level, message }) => level === 'warn' && message.includes('cannot be published'))).toBe(true)
    world.topic.refuse = () => null
    await world.has(zero(more))
    const firsts = world.topic.firsts()
    expectOrdered(firsts)
    for (const events of Map.groupBy(firsts, ({ ticker }) => ticker).values()) {
      const order = [...ids, ...more].map((id) => `${id}.0`)
      const at = events.map(({ eventId }) => order.indexOf(eventId))
      expect(at).toEqual(at.toSorted((a, b) => a - b))
    }
    await until(() => publisher.state().obstacle === null, { what: 'nothing is in the way' })
  })

  test('what a partition took before it refused the rest is not sent again', async () => {
    world = await createPublisherWorld()
    const { publisher } = await world.begin()
    world.topic.acked = 2
    world.topic.refuse = () => new Error('the next one is too large')
    const ids = await world.place('A', 'A', 'A', 'A', 'A')
    await world.has(zero(ids))
    await until(() => publisher.state().oldestAgeMs === 0, { what: 'nothing waits' })
    expect(world.topic.sent.map(({ eventId }) => eventId)).toEqual(zero(ids))
  })

  test('a backlog is read in batches, each version after the one before', async () => {
    world = await createPublisherWorld()
    const first = await world.begin()
    await first.stop()
    const ids: string[] = []
    for (let i = 0; i < 10; i++) ids.push(...(await world.place(...Array.from({ length: 40 }, (_, n) => `T${n}`))))
    await world.cancel(...ids.slice(0, 300))
    world.start({ batchMax: 50 })
    await world.has(await world.logged())
    expectOrdered(world.topic.firsts())
  })
})

describe('two publishers', () => {
  test('take turns; under load from many sides nothing is missing, nothing goes backwards', async () => {
    world = await createPublisherWorld()
    const random = createRandom(7)
    const first = await world.begin()
    world.start()
    const work = async (): Promise<void> => {
      for (let i = 0; i < 12; i++) {
        const ids = await world.place(...Array.from({ length: random.int(1, 8) }, () => `T${random.below(4)}`))
        const trades = ids.map((order) => aTrade({ order, ticker: 'T0', quantity: '1' }))
        await applyTrades(world.db, trades, {
          now: () => new Date(),
          newId,
          signal: new AbortController().signal,
          onRetry: () => undefined,
        })
        await world.cancel(...ids.filter(() => random.chance(0.5)))
      }
    }
    const workers = Array.from({ length: 5 }, work)
    await until(() => world.topic.sent.length > 40, { what: 'some events are published' })
    await first.stop()
    await Promise.all(workers)
    await world.has(await world.logged())
    expectOrdered(world.topic.firsts())
    expect(world.topic.firsts()).toHaveLength((await world.logged()).length)
  })

  test('one that lost its lease to another one keeps no place, and does not send on', async () => {
    world = await createPublisherWorld()
    const { publisher, lines } = await world.begin()
    world.topic.refuse = () => new Error('away')
    const [id] = await world.place('A')
    await until(() => publisher.state().obstacle !== null, { what: 'it tries' })
    const other = crypto.randomUUID()
    await world.sql`update event_publication_lease set holder = ${other}, expires_at = now() + interval '1 minute'`
    await until(() => lines.some(({ message }) => message.includes('does not publish the log any more')), {
      what: 'it gives up',
    })
    world.topic.refuse = () => null
    expect(await world.sql`select from event_publication where number > 1`).toHaveLength(0)
    expect(world.topic.sent).toEqual([])
    await world.sql`update event_publication_lease set holder = null, expires_at = '-infinity'`
    await world.has([`${id}.0`])
    expect(world.topic.sent).toHaveLength(1)
  })
})

describe('a database that is not the one of before', () => {
  test('tables copied from another cluster: what was not published there comes first, then what happens here', async () => {
    world = await createPublisherWorld()
    const first = await world.begin()
    const published = await world.place('A', 'B')
    await world.has(zero(published))
    await first.stop()
    const waiting = [...(await world.place('A', 'B')), ...(await world.place('A'))]
    await world.cancel(waiting[0]!)
    await becomeCopy(world.sql)
    const { lines } = world.start({ batchMax: 2 })
    await world.has([...zero(waiting), `${waiting[0]}.1`])
    const here = await world.place('A', 'B')
    await world.cancel(waiting[1]!)
    await world.has([...zero(here), `${waiting[1]}.1`])
    expect(lines.some(({ message }) => message.includes('an epoch of the log begins'))).toBe(true)
    expectOrdered(world.topic.firsts())
    // What was published there already is not published again.
    expect(world.topic.sent.slice(2).map(({ eventId }) => eventId)).not.toContain(`${published[0]}.0`)
  })

  test('a restart amid the copied rows goes on there', async () => {
    world = await createPublisherWorld()
    const first = await world.begin()
    await first.stop()
    const waiting = await world.place('A', 'A', 'A', 'A', 'A', 'A')
    await becomeCopy(world.sql)
    let taken = 0
    world.topic.refuse = () => (++taken > 2 ? new Error('away') : null)
    const second = world.start({ batchMax: 2 })
    await until(() => taken > 3, { what: 'two batches are sent, the third is not' })
    await second.stop()
    world.topic.refuse = () => null
    world.start({ batchMax: 2 })
    await world.has(zero(waiting))
    expect(world.topic.sent.map(({ eventId }) => eventId)).toEqual(zero(waiting))
  })

  test('copied again before anything was published here: all of it comes', async () => {
    world = await createPublisherWorld()
    const first = await world.begin()
    await first.stop()
    await becomeCopy(world.sql)
    const second = world.start()
    await until(async () => (await world.sql`select from event_publication where epoch = 2`).length > 0, {
      what: 'the beginning of the second epoch is kept',
    })
    await second.stop()
    const waiting = await world.place('A', 'B')
    await becomeCopy(world.sql)
    world.start()
    await world.has(zero(waiting))
    expect(world.topic.sent).toHaveLength(2)
  })

  test('the last places are of what was lost: the newest one that stands counts, and events come again', async () => {
    world = await createPublisherWorld()
    const first = await world.begin()
    const kept = await world.place('A')
    await world.has(zero(kept))
    const again = await world.place('A')
    await world.has(zero(again))
    await until(async () => (await world.sql`select from event_publication`).length >= 3, {
      what: 'three places are kept',
    })
    await first.stop()
    const [last] = await world.sql<[{ number: string; cursor: string }]>`
      select number, cursor from event_publication order by number desc limit 1`
    const { place, issuedAtMs } = decodeCursor(last.cursor)!
    // The row that it saw last does not exist here.
    const lost = encodeCursor(
      { ...place, witness: { ...place.witness!, position: place.witness!.position + 1n } },
      issuedAtMs,
    )
    await world.sql`update event_publication set cursor = ${lost} where number = ${last.number}`
    const { lines } = world.start()
    const after = await world.place('A')
    await world.has(zero(after))
    expect(lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'a kept place of the publication is none of this database: going back, events are published again',
    ])
    expect(world.topic.sent.map(({ eventId }) => eventId)).toEqual(zero([...kept, ...again, ...again, ...after]))
  })

  test('no place stands: the log is published again from its beginning', async () => {
    world = await createPublisherWorld()
    const [before] = await world.place('A')
    const first = await world.begin()
    await first.stop()
    await world.sql`update event_publication set cursor = 'nonsense'`
    world.start()
    await world.has([`${before}.0`])
  })
})
