// A batch of trade messages to its end: decode, apply, dead-letter, report.

import { applyTrades, type FillContext, type LegOutcome, type ReceivedTrade } from '../app/fill.ts'
import type { Disposition } from '../domain/leg.ts'
import { describe, type Log } from '../log.ts'
import type { Source } from '../store/fills.ts'
import type { Database } from '../store/sql.ts'
import type { RawMessage } from './client.ts'
import type { DeadLetter, DeadLetters } from './deadLetters.ts'
import { decodeTrade } from './schema.ts'

/** Resolves when every leg of `messages` has its disposition; throws when `signal` cut it off. */
export type Batch = (messages: readonly RawMessage[], signal: AbortSignal) => Promise<void>

export type BatchOptions = Pick<FillContext, 'now' | 'newId'> & {
  db: Database
  deadLetters: DeadLetters
  /** False where foreign orders share the topic: their legs are only counted. */
  unknownToDeadLetters: boolean
  /** Told of every leg, and of every message that could not be decoded. */
  onDisposition: (disposition: Disposition) => void
  log: Log
}

const sourceOf = ({ topic, partition, offset }: RawMessage): Source => ({ topic, partition, offset })
const coordinates = ({ topic, partition, offset }: Source): string => `${topic}-${partition}-${offset}`

const letterOf = (message: RawMessage, rest: Pick<DeadLetter, 'disposition' | 'reason' | 'legs'>): DeadLetter => ({
  source: sourceOf(message),
  timestamp: message.timestamp,
  key: message.key ?? null,
  value: message.value ?? null,
  headers: message.headers,
  ...rest,
})

const legName = ({ leg }: LegOutcome): string => `${leg.side ?? 'ORDER'}:${leg.orderId}`

/** Lost money hides in these: each is logged when it is first kept, with all that is needed to find it. */
const raiseAlarm = (log: Log, { leg, disposition, reason, received }: LegOutcome): void =>
  log.error('a trade could not be applied and is kept as an exception', {
    disposition,
    reason,
    orderId: leg.orderId,
    tradeId: leg.tradeId,
    side: leg.side,
    source: coordinates(received.source),
  })

/** One letter a message, naming its legs. */
const undeliverable = (messages: ReadonlyMap<string, RawMessage>, outcomes: readonly LegOutcome[]): DeadLetter[] =>
  [...Map.groupBy(outcomes, ({ received }) => coordinates(received.source))].map(([at, legs]) =>
    letterOf(messages.get(at)!, {
      disposition: legs[0]!.disposition === 'MALFORMED' ? 'MALFORMED' : 'UNKNOWN_ORDER',
      reason: legs[0]!.reason ?? 'no such order here',
      legs: legs.map(legName),
    }),
  )

export const createTradeBatch = (options: BatchOptions): Batch => {
  const { db, deadLetters, unknownToDeadLetters, onDisposition, log, now, newId } = options

  const report = (outcomes: readonly LegOutcome[]): void => {
    for (const outcome of outcomes) {
      onDisposition(outcome.disposition)
      switch (outcome.disposition) {
        case 'OVERFILL':
        case 'CONFLICT':
        case 'MISMATCH':
          if (outcome.fresh) raiseAlarm(log, outcome)
          break
        case 'UNKNOWN_ORDER':
          log.rarely('warn', 'unknown order', 'a trade names an unknown order', {
            orderId: outcome.leg.orderId.slice(0, 64),
            source: coordinates(outcome.received.source),
          })
          break
        case 'MALFORMED':
          log.error('a trade could not be stored', {
            reason: outcome.reason,
            source: coordinates(outcome.received.source),
          })
          break
        case 'APPLIED':
        case 'LATE':
        case 'DUPLICATE':
          break
      }
    }
  }

  return async (messages, signal) => {
    const byPlace = new Map(messages.map((message) => [coordinates(sourceOf(message)), message]))
    const trades: ReceivedTrade[] = []
    const letters: DeadLetter[] = []
    // A rebalance may put a message into one batch twice; taken twice, its dead letter would name every leg twice.
    for (const message of byPlace.values()) {
      const trade = decodeTrade(message.value)
      const source = sourceOf(message)
      if ('malformed' in trade) {
        onDisposition('MALFORMED')
        log.rarely('warn', 'malformed', 'a message on the trade topic cannot be decoded', {
          reason: trade.malformed,
          source: coordinates(source),
        })
        letters.push(letterOf(message, { disposition: 'MALFORMED', reason: trade.malformed, legs: [] }))
      } else trades.push({ trade, source, key: message.key ?? null, message: message.value! })
    }
    const onRetry = (error: unknown): void =>
      log.rarely('warn', 'fills', 'trades cannot be applied now and are tried again', describe(error))
    const outcomes = await applyTrades(db, trades, { now, newId, signal, onRetry })
    report(outcomes)
    const undelivered = outcomes.filter(
      ({ disposition }) => disposition === 'MALFORMED' || (disposition === 'UNKNOWN_ORDER' && unknownToDeadLetters),
    )
    letters.push(...undeliverable(byPlace, undelivered))
    if (letters.length > 0) await deadLetters.send(letters, signal)
  }
}
