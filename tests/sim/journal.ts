// The journal of a run, from outside the service: the calls of clients with their answers, the committed events with their
// times, and the trades on the topic. The promises are checked against it.

import type { EventFilter, ResetReason } from '../../src/app/follow.ts'
import type { Service } from '../../src/app/service.ts'
import type { OrderTerms } from '../../src/domain/terms.ts'
import type { CancelScope } from '../../src/store/covered.ts'
import type { Answer } from './fleet.ts'
import type { EventRecord, LogRow, SweepRecord, SwitchRecord } from './postgres/state.ts'

/** `tag` travels as the traceparent, so that everything that a call stored can be found again. */
export type Placing = {
  /** Of a batch, all have the same. */
  tag: string
  terms: OrderTerms
  poison: boolean
  answer: Answer<Awaited<ReturnType<Service['place']>>> | null
  answeredAt: number
}

/** What became of a call, by the clock of the run. */
type Called<R> = { tag: string; sentAt: number; answer: Answer<R> | null; answeredAt: number }
type Result<Name extends keyof Service> = Awaited<ReturnType<Extract<Service[Name], (...args: never[]) => unknown>>>

/** `ticker`: undefined for all. */
export type Trading = Called<Result<'changeTrading'>> & {
  ticker: string | undefined
  state: 'HALTED' | 'ACTIVE'
  cancelOpen: boolean
}
export type Voiding = Called<Result<'void'>> & { userId: string; clientOrderId: string }
export type MassCanceling = Called<Result<'cancelMany'>> & { scope: CancelScope }
export type Arming = Called<Result<'cancelAfter'>> & { userId: string; timeoutMs: number }

/** By the clock of the run: when its statement reached Postgres, what it says of its time, and when it was committed. */
type RulesFact = {
  at: number
  epoch: bigint
  ticker: string
  state: string
  startedAt: number
  committedAt: number
  requestId: string
}
export type SweepFact = { sweep: SweepRecord; startedAt: number; committedAt: number; doneAt: number | null }
export type SwitchFact = {
  before: SwitchRecord | undefined
  after: SwitchRecord
  startedAt: number
  committedAt: number
}

/** `remaining`: as DELETE does it. `versions`: as If-Match does. */
export type Canceling = {
  tag: string
  id: string
  terms: { remaining: boolean; versions?: readonly number[] }
  answer: Answer<Awaited<ReturnType<Service['cancel']>>> | null
}

/** `startedAt`: when its statement reached Postgres. */
export type StoredEvent = EventRecord & { startedAt: number; committedAt: number }

/** A row of the log. `startedAt`: when its statement reached Postgres. */
export type LoggedRow = LogRow & { startedAt: number; committedAt: number }

/**
 * What a follower got between two beginnings, in its order. `beganAt`: when it asked. `liveAt`: when the snapshot was complete, or the first
 * page came; null: that never happened. `snapshot`: null if it began by polling, from then on.
 */
export type Segment = {
  beganAt: number
  liveAt: number | null
  snapshot: { id: string; version: number; status: string; at: number }[] | null
  events: { text: string; at: number }[]
}

export type FollowerRecord = {
  name: string
  filter: EventFilter
  segments: Segment[]
  resets: { reason: ResetReason; at: number }[]
}

export type TradeLeg = { side: 'BUY' | 'SELL' | null; orderId: string }
export type TradeFact =
  | { malformed: true }
  | {
      malformed: false
      tradeId: string
      ticker: string
      quantity: bigint
      price: bigint
      /** By the engine's clock, in ms of the epoch. */
      tradedAt: number
      redriven: boolean
      legs: readonly TradeLeg[]
    }

export type ReportFact =
  | { malformed: true }
  | {
      malformed: false
      reportId: string
      orderId: string
      ticker: string
      kind: 'CANCELED' | 'EXPIRED' | 'REJECTED'
      /** In hundredths; null: it does not say. */
      cumulative: number | null
    }

export type Journal = {
  placings: Placing[]
  cancelings: Canceling[]
  tradings: Trading[]
  voidings: Voiding[]
  massCancelings: MassCanceling[]
  armings: Arming[]
  /** In the order of commits. */
  rules: RulesFact[]
  sweeps: Map<bigint, SweepFact>
  switches: SwitchFact[]
  events: StoredEvent[]
  /** By partition of the trade topic, then by offset. */
  trades: Map<number, TradeFact[]>
  /** The same of the reports. */
  reports: Map<number, ReportFact[]>
  /** In the order of commits. */
  log: LoggedRow[]
  followers: FollowerRecord[]
  /** The users of the clients. */
  users: string[]
  /** Failures of batches that the service reported as bugs. */
  bugs: unknown[]
}

export const createJournal = (): Journal => ({
  placings: [],
  cancelings: [],
  tradings: [],
  voidings: [],
  massCancelings: [],
  armings: [],
  rules: [],
  sweeps: new Map(),
  switches: [],
  events: [],
  trades: new Map(),
  reports: new Map(),
  log: [],
  followers: [],
  users: [],
  bugs: [],
})

export const describeAnswer = (answer: Answer<{ ok: boolean; code?: string } | object | null>): string => {
  if (answer.result === null) return 'why' in answer ? answer.why : 'nothing'
  if ('ok' in answer.result && !answer.result.ok) return String(answer.result.code)
  return 'ok'
}
