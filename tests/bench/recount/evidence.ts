// Collects the evidence for a recount once everything has come to rest: the ids in the table, the records on the topics.

import { withAdmin } from '../../stack/topics.ts'
import type { Trial } from '../world/trial.ts'
import { mergeRecounts, type OrderEvidence, type Recount } from './recount.ts'
import type { TopicReader } from './topicScan.ts'
import { verify } from './verify.ts'

const restLimitMs = 600_000
const pollMs = 100
const page = 50_000

/** The place of the id in the value of order.placed.v1, which begins with it. */
const idAt = '{"orderId":"'.length
const idLength = 36

/** All rows of a loader have ids below this one. */
const loadedBelow = '01910000-0000-0000-0000-000000000000'

/** Events in the outbox. */
export const waitingIn = async ({ sql }: Trial): Promise<number> =>
  (await sql<{ rows: number }[]>`select count(*)::integer as rows from outbox`)[0]!.rows

/** Waits until the outbox is empty or the limit passed; answers how many rows still wait. */
export const untilPublished = async (trial: Trial): Promise<number> => {
  const limit = performance.now() + restLimitMs
  let waiting = await waitingIn(trial)
  while (waiting > 0 && performance.now() < limit) {
    await Bun.sleep(pollMs)
    waiting = await waitingIn(trial)
  }
  return waiting
}

const readStored = async ({ sql }: Trial): Promise<Set<string>> => {
  const stored = new Set<string>()
  const rows = sql<{ id: string }[]>`select id from orders where id > ${loadedBelow}::uuid`
  await rows.cursor(page, (some) => some.forEach(({ id }) => stored.add(id)))
  return stored
}

const countStored = async ({ sql }: Trial): Promise<number> =>
  (await sql<{ rows: number }[]>`select count(*)::integer as rows from orders where id > ${loadedBelow}::uuid`)[0]!.rows

const readPublished = async (trial: Trial, reader: TopicReader) => {
  const published = new Map<string, string>()
  let [publishedTwice, repeats] = [0, 0]
  await reader.scan(trial.topics.placed, ({ value, header }) => {
    const id = value?.toString('latin1', idAt, idAt + idLength) ?? ''
    const eventId = header('eventId') ?? ''
    const earlier = published.get(id)
    if (earlier === undefined) published.set(id, eventId)
    else if (earlier === eventId) repeats++
    else publishedTwice++
  })
  return { published, publishedTwice, repeats }
}

export const gatherOrders = async (
  trial: Trial,
  reader: TopicReader,
  record: Pick<OrderEvidence, 'acked' | 'ackedIds' | 'unanswered'>,
): Promise<OrderEvidence> => {
  const waiting = await untilPublished(trial)
  const stored = await readStored(trial)
  const published = await readPublished(trial, reader)
  // An order whose answer the load generator did not wait for may be stored between the two readings. The load is over, so that ends.
  if ((await countStored(trial)) > stored.size) return gatherOrders(trial, reader, record)
  return { ...record, waiting, stored, ...published }
}

/** Messages of the trade topic that the service's group has not committed. */
export const tradeLag = async (trial: Trial, reader: TopicReader): Promise<number> => {
  const ends = await reader.ends(trial.topics.trades)
  const indexes = [...ends.keys()]
  const committed = await withAdmin(trial.env['KAFKA_BOOTSTRAP_SERVERS']!, (admin) =>
    admin.listConsumerGroupOffsets({
      groups: [{ groupId: trial.group, topics: [{ name: trial.topics.trades, partitionIndexes: indexes }] }],
    }),
  )
  const offsets = new Map(
    committed[0]!.topics[0]!.partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
  )
  return indexes.reduce((sum, i) => sum + ends[i]! - Math.max(0, Number(offsets.get(i) ?? 0)), 0)
}

/** Whether the service's own `verify` runs too: over the tables, or over the topics as well if the database began empty. */
export type VerifyScope = 'topics' | 'tables' | 'none'

export const withVerify = async (
  trial: Trial,
  binary: string,
  recount: Recount,
  scope: VerifyScope,
): Promise<Recount> =>
  scope === 'none' ? recount : mergeRecounts(recount, await verify(binary, trial.env, { topics: scope === 'topics' }))
