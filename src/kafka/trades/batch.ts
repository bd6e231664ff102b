// Handles a batch of trade messages: decodes and applies them, reports the outcomes, and makes the dead letters.

import {
  applyLegs,
  applyTrades,
  type FillContext,
  type LegOutcome,
  type OrderLegs,
  type ReceivedTrade,
} from '../../app/fill.ts'
import { createLockedOrders } from '../../app/lockedOrders.ts'
import { createLockedStops } from '../../app/lockedStops.ts'
import { triggerByTrades, type StopContext, type StopPools } from '../../app/stops.ts'
import type { Disposition, ExceptionDisposition } from '../../domain/leg.ts'
import { describe, type Log } from '../../telemetry/log.ts'
import { noTracing, type Tracing } from '../../telemetry/tracing.ts'
import { coordinatesText } from '../../wire/coordinates.ts'
import type { RawMessage } from '../client.ts'
import type { DeadLetter } from '../inbound/deadLetters.ts'
import {
  createHandler,
  letterOf,
  sourceOf,
  undecodable,
  type HandleBatch,
  type Hold,
  type Messages,
} from '../inbound/handle.ts'
import { bySignal, holdBack, holdUntil, patienceMs } from '../inbound/holdBack.ts'
import { endSpans, startSpans, traceOf, type Trace } from '../inbound/spans.ts'
import { redrivenFrom } from '../letterHeaders.ts'
import { decodeTrade } from '../schema.ts'

export type BatchOptions = Pick<FillContext, 'now' | 'newId'> &
  StopPools & {
    /** False if the orders of other services share the topic: legs of unknown orders are then only counted. */
    unknownToDeadLetters: boolean
    /** Called for every leg, and for every message that could not be decoded. */
    onDisposition: (disposition: Disposition) => void
    /** Called for every exception when it is first stored. */
    onException?: (disposition: ExceptionDisposition) => void
    /** See StopContext. */
    stopToleranceMs: number
    /** Called for every stop that was triggered, with the message of its trade. */
    onTriggered?: (message: RawMessage) => void
    /** Called with the reason when a batch cannot be applied now. The batch is tried again until it is applied. */
    onRetry?: (error: unknown) => void
    log: Log
    tracing?: Tracing
  }

const legName = ({ leg }: LegOutcome): string => `${leg.side ?? 'ORDER'}:${leg.orderId}`

/** An exception may hide lost money, so it is logged when it is first stored, with everything that is needed to find it. */
const raiseAlarm = (log: Log, { leg, disposition, reason, received }: LegOutcome, trace: Trace): void =>
  log.error('a trade could not be applied and is kept as an exception', {
    disposition,
    reason,
    orderId: leg.orderId,
    tradeId: leg.tradeId,
    side: leg.side,
    source: coordinatesText(received.source),
    ...trace,
  })

/** One letter for each message of these outcomes, with the names of its legs. */
const lettersOf = (messages: ReadonlyMap<string, RawMessage>, outcomes: readonly LegOutcome[]): DeadLetter[] =>
  [...Map.groupBy(outcomes, ({ received }) => coordinatesText(received.source))].map(([at, legs]) =>
    letterOf(messages.get(at)!, {
      disposition: legs[0]!.disposition === 'MALFORMED' ? 'MALFORMED' : 'UNKNOWN_ORDER',
      reason: legs[0]!.reason ?? 'no such order here',
      legs: legs.map(legName),
    }),
  )

type ReportOptions = Pick<BatchOptions, 'onDisposition' | 'onException' | 'log'>

const report = (outcomes: readonly LegOutcome[], messages: Messages, options: ReportOptions): void => {
  const { onDisposition, onException, log } = options
  for (const outcome of outcomes) {
    const source = coordinatesText(outcome.received.source)
    const trace = (): Trace => traceOf(messages.get(source)!)
    onDisposition(outcome.disposition)
    switch (outcome.disposition) {
      case 'OVERFILL':
      case 'CONFLICT':
      case 'MISMATCH':
        if (!outcome.fresh) break
        raiseAlarm(log, outcome, trace())
        onException?.(outcome.disposition)
        break
      case 'UNKNOWN_ORDER':
        log.rarely('warn', 'unknown order', 'a trade names an unknown order', {
          orderId: outcome.leg.orderId.slice(0, 64),
          source,
          ...trace(),
        })
        break
      case 'MALFORMED':
        log.error('a trade could not be stored', { reason: outcome.reason, source, ...trace() })
        break
      case 'APPLIED':
      case 'LATE':
      case 'DUPLICATE':
        break
    }
  }
}

/** The trades that can be decoded, and a letter for each message that cannot be decoded. */
const decode = (messages: Messages, { onDisposition, log }: ReportOptions) => {
  const trades: ReceivedTrade[] = []
  const letters: DeadLetter[] = []
  for (const [at, message] of messages) {
    const trade = undecodable(message) ?? decodeTrade(message.value)
    if ('malformed' in trade) {
      onDisposition('MALFORMED')
      const fields = { reason: trade.malformed, source: at, ...traceOf(message) }
      log.rarely('warn', 'malformed', 'a message on the trade topic cannot be decoded', fields)
      letters.push(letterOf(message, { disposition: 'MALFORMED', reason: trade.malformed, legs: [] }))
    } else trades.push({ trade, source: sourceOf(message), key: message.key, message: message.value! })
  }
  return { trades, letters }
}

/** Whether the message was sent again from the dead letters: its price is of another time. */
const isRedriven = ({ headers }: RawMessage): boolean =>
  headers.keys().some((name) => name?.toString() === redrivenFrom)

/** Triggers the stops of the trades of a batch. Those that somebody has locked hold back the offset of their trade's partition, and nothing else. */
const createTrigger = (options: BatchOptions, onRetry: (error: unknown) => void) => {
  const { db, looks, stopToleranceMs, onTriggered, log, now } = options
  const lockedStopsOf = bySignal(() => createLockedStops({ looks, db }))
  return async (
    trades: readonly ReceivedTrade[],
    { byPlace, signal, hold }: { byPlace: Messages; signal: AbortSignal; hold: Hold | undefined },
  ): Promise<void> => {
    const messageOf = ({ source }: ReceivedTrade): RawMessage => byPlace.get(coordinatesText(source))!
    const lockedStops = lockedStopsOf(signal)
    const context: StopContext = {
      toleranceMs: stopToleranceMs,
      counts: (received) => !isRedriven(messageOf(received)),
      now,
      signal,
      onRetry,
      onTriggered: (received) => onTriggered?.(messageOf(received)),
      onRefused: (orderId, reason) => log.error('a stop could not be triggered', { orderId, reason }),
    }
    const locked = hold === undefined || lockedStops.isFull() ? 'wait' : 'leave'
    const left = await triggerByTrades({ looks, db }, trades, { ...context, except: lockedStops.ids(), locked })
    if (left.length === 0 || hold === undefined) return
    const over = lockedStops.add(left, context).then(() => [])
    for (const partition of new Set(left.map(({ received }) => received.source.partition)))
      holdUntil(hold, partition, over)
  }
}

export const createBatchHandler = (options: BatchOptions): HandleBatch => {
  const { db, unknownToDeadLetters, log, now, newId, tracing = noTracing } = options
  const onRetry = (error: unknown): void => {
    options.onRetry?.(error)
    log.rarely('warn', 'fills', 'trades cannot be applied now and are tried again', describe(error))
  }

  const lockedOrdersOf = bySignal((signal) => {
    const context = { now, newId, signal, onRetry }
    return createLockedOrders(
      {
        apply: (groups: readonly OrderLegs[], leaving) => applyLegs(db, groups, context, leaving),
        orderIdOf: ({ leg }: LegOutcome) => leg.orderId,
      },
      context,
    )
  })
  /** Reports outcomes; returns the letters that they make. */
  const settle = (outcomes: readonly LegOutcome[], messages: Messages): DeadLetter[] => {
    report(outcomes, messages, options)
    const refused = outcomes.filter(
      ({ disposition }) => disposition === 'MALFORMED' || (disposition === 'UNKNOWN_ORDER' && unknownToDeadLetters),
    )
    return lettersOf(messages, refused)
  }

  const trigger = createTrigger(options, onRetry)

  const handle = async (byPlace: Messages, signal: AbortSignal, hold?: Hold): Promise<DeadLetter[]> => {
    const spans = startSpans(byPlace, tracing)
    const { trades, letters } = decode(byPlace, options)
    const locked = lockedOrdersOf(signal)
    await locked.room()
    const left: OrderLegs[] = []
    const outcomes = await applyTrades(
      db,
      trades,
      { now, newId, signal, onRetry },
      { isBehind: locked.isBehind, patienceMs: patienceMs(hold), onLeft: (legs) => left.push(...legs) },
    )
    letters.push(...settle(outcomes, byPlace))
    if (left.length > 0 && hold !== undefined)
      holdBack({ left, sourceOf: ({ received }) => received.source, locked, byPlace, hold }, settle)
    await trigger(trades, { byPlace, signal, hold })
    const waiting = left.flatMap(({ items }) => items.map(({ received }) => ({ received, disposition: 'LOCKED' })))
    endSpans(spans, [...outcomes, ...waiting])
    return letters
  }

  return createHandler({ handle, onUnexpected: () => options.onDisposition('MALFORMED'), log })
}
