// What the checker looks at of halts, batches, voids, mass cancels and switches: their requests, and the rows that they leave.

import type { Answer, Terms } from './evidence.ts'

/** Null: any. */
export type Scope = { userId: string | null; ticker: string | null; side: string | null }

/** Each is a line of the clients' log, before it leaves. */
export type ControlRequest =
  /** `ticker`: null stands for all. */
  | { op: 'trading'; ticker: string | null; state: 'HALTED' | 'ACTIVE'; cancelOpen: boolean }
  | { op: 'batch'; orders: readonly Terms[] }
  | { op: 'void'; userId: string; key: string }
  | { op: 'mass'; scope: Scope }
  /** `at`: milliseconds, when it left. `timeoutMs`: 0 disarms. */
  | { op: 'arm'; at: number; userId: string; timeoutMs: number }

export type BatchResult = Pick<Answer, 'status' | 'orderId' | 'orderStatus' | 'replayed' | 'code' | 'reason'>
/** An order that a mass cancel found final. */
export type Closed = { id: string; orderStatus: string }

/** `session`: of the request by FIX that has the key. `orderId`: else null if the key is void. */
export type KeyRow = {
  userId: string
  key: string
  orderId: string | null
  requestId: string | null
  session: string | null
}

/** A change of the trading state. Milliseconds. `ticker`: null stands for all. */
export type RulesChangeRow = {
  epoch: bigint
  at: number
  ticker: string | null
  state: string | null
  requestId: string
}

/** Milliseconds. `dueAt`: when a switch had to begin it. `doneAt`: null while it works. */
export type SweepRow = {
  id: string
  scope: Scope
  reasonCode: string
  cause: Readonly<Record<string, unknown>>
  begunAt: number
  dueAt: number | null
  doneAt: number | null
}

export type ControlViolationKind =
  | 'ACCEPTED_IN_HALT'
  | 'REJECTED_WRONGLY'
  | 'TRIGGERED_IN_HALT'
  | 'RULES_CHANGE_DIFFERS'
  | 'KEY_DIFFERS'
  | 'VOIDED_KEY_USED'
  | 'VOID_DIFFERS'
  | 'CANCELED_TWICE'
  | 'CANCELED_LATER'
  | 'CANCEL_MISSED'
  | 'SWITCH_EARLY'
  | 'SWITCH_DIFFERS'
  | 'SWEEP_DIFFERS'
