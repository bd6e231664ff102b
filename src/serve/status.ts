// The state of the parts as components of health.

import type { KeyFilling } from '../app/fillKeys.ts'
import type { Monitor } from '../app/monitor.ts'
import type { RefusedWrites } from '../app/refusedWrites.ts'
import type { WatchedRuleBook } from '../app/rules.ts'
import type { StopWatch } from '../app/stopWatch.ts'
import type { Switches } from '../app/switches.ts'
import type { Config } from '../config/config.ts'
import type { Component } from '../http/operators/health.ts'
import type { FurtherTopics } from '../kafka/furtherTopics.ts'
import type { Consumer } from '../kafka/inbound/consumer.ts'
import type { DeadLetters, WaitingLetters } from '../kafka/inbound/deadLetters.ts'
import { stillAfterMs, type StalledPartition } from '../kafka/inbound/headway.ts'
import type { Link } from '../kafka/link.ts'
import type { Publisher } from '../publisher/publisher.ts'
import type { Relay } from '../relay/relay.ts'
import type { Reports } from './reports.ts'

export type StatusSource = {
  config: Config
  background: {
    monitor: Monitor
    link: Link
    furtherTopics: Pick<FurtherTopics, 'state'>
    relay: Relay
    publisher: Publisher | null
    trades: Consumer
    letters: Pick<DeadLetters, 'state'>
    reports: Reports
    stops: Pick<StopWatch, 'state'>
    keyFilling: Pick<KeyFilling, 'state'>
    switches: Pick<Switches, 'state'>
  }
  ruleBook: Pick<WatchedRuleBook, 'state'>
  refusedWrites: Pick<RefusedWrites, 'last'>
  /** What the start waits for; null once the service has started. */
  starting: () => string | null
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`

/** How far the keys of older orders are filled in. Nothing once they all are: that is for ever. */
const olderKeysOf = ({ keyFilling }: StatusSource['background']) => {
  const { finished, orders, ordersAbout, obstacle } = keyFilling.state()
  if (finished) return {}
  const reason = obstacle === null ? '' : `: ${obstacle}`
  return { olderKeys: `of ${orders} orders of about ${ordersAbout} are filled in${reason}` }
}

/** How long a cancel of many orders may take. */
const sweepStaysMs = 60_000

/** Cancels of many orders that are under way, for an operator; null: none is. */
const sweepsOf = ({ background }: StatusSource): { text: string; isSound: boolean } | null => {
  const { open, oldestMs } = background.switches.state()
  if (open === 0) return null
  return { text: `${open} are under way, the oldest for ${seconds(oldestMs)}`, isSound: oldestMs <= sweepStaysMs }
}

/** What an administrator halted, for an operator. It is what somebody wants, so it is no fault. */
const haltsOf = ({ ruleBook }: StatusSource): { trading?: string } => {
  const { halted, haltedTickers } = ruleBook.state()
  if (halted) return { trading: 'all trading is halted: new orders are refused' }
  return haltedTickers === 0 ? {} : { trading: `${haltedTickers} tickers are halted: their new orders are refused` }
}

const databaseOf = (source: StatusSource): Component => {
  const { background, starting, refusedWrites } = source
  const { database } = background.monitor.state()
  const waiting = starting()
  if (waiting !== null || !database.up) return { status: 'DOWN', details: { detail: waiting ?? database.detail } }
  const refusal = refusedWrites.last()
  const sweeps = sweepsOf(source)
  const status = sweeps?.isSound === false ? 'DEGRADED' : 'UP'
  const others = {
    ...olderKeysOf(background),
    ...(sweeps !== null && { cancelsOfMany: sweeps.text }),
    ...haltsOf(source),
  }
  if (refusal === null) return { status, details: { detail: database.detail, ...others } }
  const detail = `answers, and refused requests ${seconds(refusal.agoMs)} ago: ${refusal.reason}`
  return { status: 'DEGRADED', details: { detail, ...others } }
}

const stillText = ({ partition, messages, stillMs, reason }: StalledPartition): string =>
  `partition ${partition}: ${messages} messages wait for ${seconds(stillMs)}: ${reason}`

const lettersText = ({ partition, letters, waitedMs, reason }: WaitingLetters): string =>
  `${letters} of partition ${partition} for ${seconds(waitedMs)}: ${reason}`

/** What becomes of the log, for an operator; null if its topic is not set. */
const orderEventsOf = ({ background: { publisher } }: StatusSource): { text: string; isSound: boolean } | null => {
  if (publisher === null) return null
  const { held, obstacle, oldestAgeMs } = publisher.state()
  if (!held) return { text: 'another replica publishes them', isSound: true }
  if (obstacle === null) return { text: 'published', isSound: true }
  return { text: `wait for ${seconds(oldestAgeMs)}: ${obstacle}`, isSound: oldestAgeMs <= stillAfterMs }
}

/** What becomes of the engine's reports, for an operator. `details` is empty if the engine sends none. */
const reportsOf = ({ background: { reports } }: StatusSource) => {
  const { reports: waiting, oldestMs, obstacle } = reports.waiting.state()
  const wait = { reportsWait: waiting === 0 ? 'none' : `${waiting} for up to ${seconds(oldestMs)}` }
  const isBlocked = waiting > 0 && obstacle !== null
  if (reports.consumer === null) return { isSound: !isBlocked, details: waiting === 0 ? {} : wait }
  const { connected, stalled } = reports.consumer.state()
  const letters = reports.letters.state()
  return {
    isSound: connected && stalled.length === 0 && letters.length === 0 && !isBlocked,
    details: {
      reportsConsumer: connected ? 'connected' : 'not connected',
      reportsStandStill: stalled.length === 0 ? 'no partition' : stalled.map(stillText).join('; '),
      reportLettersWait: letters.length === 0 ? 'none' : letters.map(lettersText).join('; '),
      ...wait,
    },
  }
}

/** What becomes of stops, for an operator. */
const stopsOf = ({ background }: StatusSource): { text: string; isSound: boolean } => {
  const { waiting, oldReplicas } = background.stops.state()
  if (oldReplicas === 0) return { text: `${waiting} wait for their price`, isSound: true }
  const replicas = `${oldReplicas} replicas of an older version are alive and trigger none`
  return { text: `${waiting} wait for their price, and ${replicas}: new stops are refused`, isSound: waiting === 0 }
}

const kafkaOf = (source: StatusSource): Component => {
  const { background } = source
  const link = background.link.state()
  const { connected, stalled } = background.trades.state()
  const { setAside } = background.relay.state()
  const letters = background.letters.state()
  const orderEvents = orderEventsOf(source)
  const reports = reportsOf(source)
  const stops = stopsOf(source)
  const { obstacle: topicsMissing } = background.furtherTopics.state()
  const areTradesSound = connected && stalled.length === 0 && letters.length === 0 && stops.isSound
  const areOwnSound = orderEvents?.isSound !== false && reports.isSound && areTradesSound
  const isSound = areOwnSound && setAside.length === 0 && topicsMissing === null
  const status = !link.up ? 'DOWN' : isSound ? 'UP' : 'DEGRADED'
  return {
    status,
    details: {
      detail: link.up ? link.detail : `${link.detail}; orders are accepted, their events wait in the outbox`,
      tradesConsumer: connected ? 'connected' : 'not connected',
      tradesStandStill: stalled.length === 0 ? 'no partition' : stalled.map(stillText).join('; '),
      deadLettersWait: letters.length === 0 ? 'none' : letters.map(lettersText).join('; '),
      ...reports.details,
      tickersSetAside: setAside.length,
      stops: stops.text,
      ...(orderEvents === null ? {} : { orderEvents: orderEvents.text }),
      ...(topicsMissing === null ? {} : { furtherTopics: topicsMissing }),
    },
  }
}

/** What is wrong with the outbox, for an operator; null if nothing is. */
const outboxTrouble = ({ background }: StatusSource): string | null => {
  const { outbox, outboxFull, uncountedMs } = background.monitor.state()
  if (outboxFull) return 'past its bound: new orders are refused until Kafka has taken the backlog'
  if (outbox.overdue.length > 0)
    return 'past its bound for some tickers: their new orders are refused until Kafka has taken their events'
  if (uncountedMs > stillAfterMs) return `it could not be counted for ${seconds(uncountedMs)}: its table may be locked`
  if (outbox.ageMs > stillAfterMs)
    return `the oldest event has waited for ${seconds(outbox.ageMs)}: Kafka does not take it, no replica sends it, or a session has its row locked`
  return null
}

const outboxOf = (source: StatusSource): Component => {
  const { config, background } = source
  const { outbox } = background.monitor.state()
  const trouble = outboxTrouble(source)
  return {
    status: trouble === null ? 'UP' : 'DEGRADED',
    details: {
      detail: trouble ?? 'within its bound',
      rows: outbox.rows,
      rowsMax: config.OUTBOX_MAX_ROWS,
      oldestAgeMs: outbox.ageMs,
      oldestAgeMaxMs: config.OUTBOX_MAX_AGE_MS,
      tickersRefused: outbox.overdue.length,
    },
  }
}

export const componentsOf = (source: StatusSource) => ({
  db: databaseOf(source),
  kafka: kafkaOf(source),
  outbox: outboxOf(source),
})
