// Carries out the plans of the generators, one request after the other, over restarts of the broker. Nothing else writes to
// the topic, so the end of a partition tells whether the broker took a batch whose answer was lost.

import { until } from '../../support/until.ts'
import { encodeBatch, type Author, type BatchPlan } from './batch.ts'
import { openBroker, type Broker, type Producer } from './broker.ts'
import type { Entry, Journal } from './journal.ts'

export type Step =
  | { do: 'send'; partition: number; batch: BatchPlan; producer?: string }
  /** Ends the transaction that the producer's sends began. */
  | { do: 'end'; producer: string; committed: boolean }
  /** Leaves it open until the round is over. */
  | { do: 'hang'; producer: string; committed: boolean }

export type Sender = {
  take: (kind: string, step: Step) => Promise<void>
  /** Ends what hangs; answers how many transactions that were. */
  endHanging: () => Promise<number>
  /** The next offset of each partition, markers of transactions counted. */
  ends: () => readonly bigint[]
  close: () => void
}

type Transactional = { producer: Producer; sequences: Map<number, number>; open: Entry[]; partitions: Set<number> }
type Hanging = { producer: string; committed: boolean }

/** Kafka's error codes that pass by themselves. */
const passing = new Set([3, 5, 6, 7, 9, 14, 15, 16, 51, 56])
const triesMax = 8
const pauseMs = 200
const deadlineMs = 90_000
const transactionTimeoutMs = 600_000

export type SenderOptions = { bootstrap: string; topic: string; partitions: number; journal: Journal; name: string }

export const createSender = async (options: SenderOptions): Promise<Sender> => {
  const { bootstrap, topic, partitions, journal, name } = options
  let broker: Broker = await openBroker(bootstrap)
  const producers = new Map<string, Transactional>()
  const hanging: Hanging[] = []
  const reopen = async (): Promise<void> => {
    broker.close()
    broker = await until(() => openBroker(bootstrap), { what: 'the broker takes a connection', deadlineMs })
  }
  /** Asks again over a lost connection and what passes by itself. */
  const persist = async <T>(what: string, ask: (broker: Broker) => Promise<T>): Promise<T> => {
    const endsAt = performance.now() + deadlineMs
    for (;;) {
      try {
        return await ask(broker)
      } catch (error) {
        if (performance.now() > endsAt) throw new Error(`${what}: ${String(error)}`, { cause: error })
        await Bun.sleep(pauseMs)
        await reopen()
      }
    }
  }
  const endsNow = (): Promise<bigint[]> => persist('where the topic ends', (broker) => broker.ends(topic, partitions))
  const ends = await endsNow()

  /** Null: the broker does not want it. */
  const produce = async (kind: string, to: Parameters<Broker['produce']>[0], batch: Buffer): Promise<bigint | null> => {
    const before = ends[to.partition]!
    let refusal = 'the connection was closed'
    for (let tries = 1; tries <= triesMax;) {
      try {
        const answer = await broker.produce(to, batch)
        if (answer.ok) return answer.value
        refusal = `error ${answer.code}${answer.message === null ? '' : ` (${answer.message})`}`
        if (!passing.has(answer.code)) break
        await Bun.sleep(pauseMs)
      } catch {
        await reopen()
        tries++
      }
      if ((await endsNow())[to.partition]! > before) return before
    }
    journal.refused.set(kind, refusal)
    return null
  }

  const okay = <T>(
    what: string,
    ask: (broker: Broker) => Promise<{ ok: true; value: T } | { ok: false; code: number }>,
  ) =>
    persist(what, async (broker) => {
      const answer = await ask(broker)
      if (!answer.ok) throw new Error(`error ${answer.code}`)
      return answer
    })

  const transactional = async (transaction: string): Promise<Transactional> => {
    const present = producers.get(transaction)
    if (present !== undefined) return present
    const { value } = await okay('a producer of transactions', (broker) =>
      broker.initProducer(`${name}-${transaction}`, transactionTimeoutMs),
    )
    const session = { producer: value, sequences: new Map(), open: [], partitions: new Set<number>() }
    producers.set(transaction, session)
    return session
  }

  const joined = async (transaction: string, partition: number): Promise<Transactional> => {
    const own = await transactional(transaction)
    if (own.partitions.has(partition)) return own
    await okay('a partition joins a transaction', (broker) =>
      broker.addPartitions(`${name}-${transaction}`, own.producer, { topic, partitions: [partition] }),
    )
    own.partitions.add(partition)
    return own
  }

  const send = async (kind: string, { partition, batch, producer }: Extract<Step, { do: 'send' }>): Promise<void> => {
    const own = producer === undefined ? null : await joined(producer, partition)
    const sequence = own?.sequences.get(partition) ?? 0
    const author: { author?: Author } =
      own === null ? {} : { author: { ...own.producer, sequence, transactional: true } }
    const to = { topic, partition, ...(producer === undefined ? {} : { transaction: `${name}-${producer}` }) }
    const first = await produce(kind, to, encodeBatch({ ...batch, ...author }))
    if (first === null) return
    own?.sequences.set(partition, sequence + batch.records.length)
    const state = own === null ? 'visible' : 'open'
    const sent = batch.records.map((record, i): Entry => ({
      kind,
      partition,
      offset: first + BigInt(i),
      record,
      state,
    }))
    journal.entries.push(...sent)
    own?.open.push(...sent)
    ends[partition] = first + BigInt(sent.length)
  }

  const end = async (transaction: string, committed: boolean): Promise<void> => {
    const own = producers.get(transaction)
    if (own === undefined || own.partitions.size === 0) return
    const invalidState = 48
    await persist('the end of a transaction', async (broker) => {
      const answer = await broker.endTransaction(`${name}-${transaction}`, own.producer, committed)
      // Asked again after a lost answer, it has ended already.
      if (!answer.ok && answer.code !== invalidState) throw new Error(`error ${answer.code}`)
    })
    for (const entry of own.open) entry.state = committed ? 'visible' : 'hidden'
    const marked = [...own.partitions]
    // The answer comes before the markers.
    await until(async () => (await endsNow()).every((end, i) => !marked.includes(i) || end > ends[i]!), {
      what: 'the markers of a transaction are there',
      deadlineMs,
    })
    for (const partition of marked) ends[partition]!++
    own.open = []
    own.partitions.clear()
  }

  return {
    take(kind, step) {
      switch (step.do) {
        case 'send':
          return send(kind, step)
        case 'end':
          return end(step.producer, step.committed)
        case 'hang':
          hanging.push(step)
          return Promise.resolve()
      }
    },
    async endHanging() {
      const ended = hanging.splice(0)
      for (const { producer, committed } of ended) await end(producer, committed)
      return ended.length
    },
    ends: () => ends,
    close: () => broker.close(),
  }
}
