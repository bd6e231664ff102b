// The engine between Kafka and the book. It keeps nothing of its own: the topics are its memory, and they survive.
//
// Starting. The trade topic is read to its end first (what was executed of each order), then the cancellations to
// their end, then the placements from the beginning, matching as they come with remaining = quantity − executed.
// Trades are published in the order in which they happen, so those on the topic are a prefix of those that were made;
// the replay finds the rest, with the same ids and the same bytes, and nothing else: every order it meets has at most
// what remained of it then (all executions and all cancels are known beforehand), so what an IOC or MARKET order left
// behind finds nothing, as it found nothing then, and a killed FOK is killed again.
//
// Crashing between matching and publishing loses nothing for the same reason; crashing between publishing and
// anything else cannot hurt, there is nothing else. Hence no offsets are committed, no group is joined, and every
// partition is assigned to this process. One instance is meant to run; a second one would mostly make the same trades
// under the same ids.
//
// Following. Fetch, match, publish, fetch: what arrives during a send is the next batch. While Kafka is away both
// ends wait and try again with the same state. What has left the topics (retention) is forgotten: keep all three
// equally long.

import type { Config } from './config.ts'
import { createEngine, onCancelled, onPlaced, onTrade, openOrders } from './engine.ts'
import type { Engine, Incoming } from './engine.ts'
import { describe, endOffsets, hasReached, headerOf, openFeed, poll } from './feed.ts'
import type { Feed, Message, Offsets } from './feed.ts'
import type { Trade } from './messages.ts'
import { openPublisher, publish } from './publisher.ts'
import type { Log, Publisher } from './publisher.ts'
import { sleep } from './sleep.ts'

type Run = {
  readonly config: Config
  readonly engine: Engine
  readonly feed: Feed
  readonly publisher: Publisher
  readonly log: Log
  readonly signal: AbortSignal
}

const RETRY_MS = 500
const MALFORMED_REPORTED_MAX = 100
const REPORTED_EVERY = 20 // failed attempts: a line each ten seconds or so

/** Tries until it works; undefined when the signal aborts first. */
const persist = async <T>(run: Run, attempt: () => Promise<T>): Promise<T | undefined> => {
  for (let failures = 0; !run.signal.aborted; failures++) {
    try {
      const result = await attempt()
      if (failures > 0) run.log('Kafka answers again', { failures })
      return result
    } catch (error) {
      if (failures % REPORTED_EVERY === 0)
        run.log('Kafka does not answer, trying again', { failures, error: describe(error) })
      await sleep(RETRY_MS, run.signal)
    }
  }
  return undefined
}

const readTo = async (
  run: Run,
  topic: string,
  ends: Offsets,
  apply: (messages: Message[]) => void | Promise<void>,
): Promise<void> => {
  while (!run.signal.aborted && !hasReached(run.feed, topic, ends)) {
    const messages = await persist(run, () => poll(run.feed, [topic]))
    await apply(messages ?? [])
  }
}

/** Logs the place of an unreadable message: the first hundred times; the summary counts the others. */
const reporting = <T>(run: Run, message: Message, apply: () => T): T => {
  const { counts } = run.engine
  const before = counts.malformed
  const result = apply()
  const { topic, partition, offset } = message
  if (counts.malformed > before && before < MALFORMED_REPORTED_MAX)
    run.log('malformed, skipped', { topic, partition, offset: Number(offset) })
  return result
}

const toIncoming = (message: Message): Incoming => ({
  eventId: headerOf(message, 'eventId'),
  value: message.value,
  timestamp: message.timestamp,
})

/** Cancels first: of a cancel and an order that came together, the cancel is the one that cannot be taken back. */
const applyAll = (run: Run, messages: readonly Message[]): Trade[] => {
  const { trades, cancelled, placed } = run.config.topics
  const of = (topic: string): Message[] => messages.filter((message) => message.topic === topic)
  for (const message of of(cancelled)) reporting(run, message, () => onCancelled(run.engine, toIncoming(message)))
  for (const message of of(trades)) {
    // Our own were counted when they were made.
    if (headerOf(message, 'ce_source') === run.config.group) continue
    reporting(run, message, () => onTrade(run.engine, toIncoming(message)))
  }
  return of(placed).flatMap((message) => reporting(run, message, () => onPlaced(run.engine, toIncoming(message))))
}

const recover = async (run: Run): Promise<void> => {
  const { engine, config, signal, log } = run
  const { trades, cancelled, placed } = config.topics
  const startedAt = Date.now()
  const ends = await persist(run, () => endOffsets(run.feed, [trades, cancelled, placed]))
  if (ends === undefined) return
  await readTo(run, trades, ends, (messages) => messages.forEach((message) => onTrade(engine, toIncoming(message))))
  await readTo(run, cancelled, ends, (messages) => void applyAll(run, messages))
  await readTo(run, placed, ends, (messages) => publish(run.publisher, applyAll(run, messages), signal))
  if (signal.aborted) return
  log('started', {
    open: openOrders(engine),
    ...engine.counts,
    recoveryMs: Date.now() - startedAt,
    topics: config.topics,
  })
}

/** A line with what happened since the last one; none when nothing did. */
const summary = (run: Run): (() => void) => {
  let last = { ...run.engine.counts }
  return () => {
    const now = { ...run.engine.counts }
    const names = Object.keys(now) as (keyof typeof now)[]
    const moved = names.filter((name) => now[name] !== last[name])
    if (moved.length === 0) return
    run.log('summary', {
      ...Object.fromEntries(moved.map((name) => [name, now[name] - last[name]])),
      open: openOrders(run.engine),
    })
    last = now
  }
}

const follow = async (run: Run): Promise<void> => {
  const { trades, cancelled, placed } = run.config.topics
  const summarise = summary(run)
  const timer = setInterval(summarise, run.config.summaryMs)
  while (!run.signal.aborted) {
    const messages = await persist(run, () => poll(run.feed, [cancelled, placed, trades]))
    await publish(run.publisher, applyAll(run, messages ?? []), run.signal)
  }
  clearInterval(timer)
  summarise()
}

/** Runs until the signal aborts; then closes its connections and returns. */
export const runEngine = async (config: Config, log: Log, signal: AbortSignal): Promise<void> => {
  const { brokers, group, topics } = config
  const onError = (error: Error): void => log('consumer error', { error: describe(error) })
  const feed = openFeed({ brokers, group, onError })
  const publisher = openPublisher({ brokers, topic: topics.trades, source: group, log })
  const run: Run = { config, engine: createEngine(), feed, publisher, log, signal }
  try {
    await recover(run)
    if (!signal.aborted) await follow(run)
  } finally {
    await Promise.allSettled([feed.consumer.close(true), publisher.producer.close(true)])
  }
}
