// The engine between Kafka and the book. It keeps nothing of its own: the topics are its memory, and they survive.
//
// Starting. The trade topic is read to its end first (what was executed of each order), then its own reports and the
// cancellations to their ends (which orders are over), then the placements from the beginning, matching as they come with
// remaining = quantity − executed. Trades are published in the order in which they happen, so those on the topic are a
// prefix of those that were made; the replay finds the rest, with the same ids and the same bytes, and nothing else:
// every order it meets has at most what remained of it then (all executions and all cancels are known beforehand), so
// what an IOC or MARKET order left behind finds nothing, as it found nothing then, and a killed FOK is killed again.
// Reports are published behind the trades that they count, so one that is on its topic is the end of all that it
// counts, and one that is not is made again under the same id. Two things the topics do not tell: where an iceberg stood
// in its queue (after a restart it stands where it was placed, and shows a whole slice), and that a post-only order was
// refused whose report got lost (it may rest now, and nobody was told otherwise). Neither breaks a promise.
//
// Crashing between matching and publishing loses nothing for the same reason; crashing between publishing and
// anything else cannot hurt, there is nothing else. Hence no offsets are committed, no group is joined, and every
// partition is assigned to this process. One instance is meant to run; a second one would mostly make the same trades
// under the same ids.
//
// Following. Fetch, match, publish, fetch: what arrives during a send is the next batch. While Kafka is away both
// ends wait and try again with the same state. What has left the topics (retention) is forgotten: keep them all
// equally long.

import type { Config } from './config.ts'
import { createEngine, onCancelled, onOwnReport, onPlaced, onTrade, openOrders } from './engine.ts'
import type { Engine, Incoming, Result } from './engine.ts'
import { describe, endOffsets, hasReached, headerOf, openFeed, poll } from './feed.ts'
import type { Feed, Message, Offsets } from './feed.ts'
import { openPublisher, publish, reportRecord, tradeRecord } from './publisher.ts'
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

/**
 * Logs the place of an unreadable message: the first hundred times; the summary counts the others. And that of a message
 * that ends this process.
 */
const reporting = <T>(run: Run, message: Message, apply: () => T): T => {
  const { counts } = run.engine
  const before = counts.malformed
  const place = { topic: message.topic, partition: message.partition, offset: Number(message.offset) }
  try {
    const result = apply()
    if (counts.malformed > before && before < MALFORMED_REPORTED_MAX) run.log('malformed, skipped', place)
    return result
  } catch (error) {
    run.log('cannot go on', { ...place, error: describe(error) })
    throw error
  }
}

const toIncoming = (message: Message): Incoming => ({
  eventId: headerOf(message, 'eventId'),
  value: message.value,
  timestamp: message.timestamp,
})

const isOwn = (run: Run, message: Message): boolean => headerOf(message, 'ce_source') === run.config.group

/** Cancels first: of a cancel and an order that came together, the cancel is the one that cannot be taken back. */
const applyAll = (run: Run, messages: readonly Message[]): Result[] => {
  const { trades, cancelled, placed } = run.config.topics
  const of = (topic: string): Message[] => messages.filter((message) => message.topic === topic)
  for (const message of of(cancelled)) reporting(run, message, () => onCancelled(run.engine, toIncoming(message)))
  for (const message of of(trades)) {
    // Our own were counted when they were made.
    if (isOwn(run, message)) continue
    reporting(run, message, () => onTrade(run.engine, toIncoming(message)))
  }
  return of(placed).map((message) => reporting(run, message, () => onPlaced(run.engine, toIncoming(message))))
}

/** Trades first: a report must not be on its topic before the trades that it counts, whatever ends this process. */
const publishAll = async (run: Run, results: readonly Result[]): Promise<void> => {
  const { config, publisher, signal } = run
  const trades = results.flatMap((result) => result.trades.map(tradeRecord))
  await publish(publisher, { topic: config.topics.trades, records: trades }, signal)
  const reports = results.flatMap(({ report }) => (report === null ? [] : [reportRecord(report)]))
  await publish(publisher, { topic: config.topics.reports, records: reports }, signal)
}

/** Others' reports are none of this engine's business: its book has the order still. */
const applyOwnReports = (run: Run, messages: readonly Message[]): void => {
  for (const message of messages) if (isOwn(run, message)) onOwnReport(run.engine, toIncoming(message))
}

const recover = async (run: Run): Promise<void> => {
  const { engine, config, signal, log } = run
  const { trades, cancelled, placed, reports } = config.topics
  const startedAt = Date.now()
  const reporting = config.features.has('reports') ? [reports] : []
  const ends = await persist(run, () => endOffsets(run.feed, [trades, cancelled, placed, ...reporting]))
  if (ends === undefined) return
  await readTo(run, trades, ends, (messages) => messages.forEach((message) => onTrade(engine, toIncoming(message))))
  for (const topic of reporting) await readTo(run, topic, ends, (messages) => applyOwnReports(run, messages))
  await readTo(run, cancelled, ends, (messages) => void applyAll(run, messages))
  await readTo(run, placed, ends, (messages) => publishAll(run, applyAll(run, messages)))
  if (signal.aborted) return
  log('started', {
    open: openOrders(engine),
    ...engine.counts,
    recoveryMs: Date.now() - startedAt,
    features: [...config.features],
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
    await publishAll(run, applyAll(run, messages ?? []))
  }
  clearInterval(timer)
  summarise()
}

/** Runs until the signal aborts; then closes its connections and returns. */
export const runEngine = async (config: Config, log: Log, signal: AbortSignal): Promise<void> => {
  const { brokers, group, features } = config
  const onError = (error: Error): void => log('consumer error', { error: describe(error) })
  const feed = openFeed({ brokers, group, onError })
  const publisher = openPublisher({ brokers, source: group, log })
  const run: Run = { config, engine: createEngine(features), feed, publisher, log, signal }
  try {
    await recover(run)
    if (!signal.aborted) await follow(run)
  } finally {
    await Promise.allSettled([feed.consumer.close(true), publisher.producer.close(true)])
  }
}
