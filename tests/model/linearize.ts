// Explains a history of concurrent operations on one order, or shows that it has no explanation: it looks for an order of the
// operations, in which none stands before one that had ended when it began, that gives in the reference model every answer of the
// history and its final state.

import { cancel, end, fill, picture, trigger, type Disposition, type Leg, type State } from './reference.ts'

/** What somebody saw of an order. */
type Sight = { status: string; version: number; filled: bigint }

type Done =
  | { kind: 'cancel'; answer: string }
  /** Whatever remains is canceled, or has expired. One that is CANCELED already answers as if it were canceled now. */
  | { kind: 'end'; status: 'CANCELED' | 'EXPIRED'; answer: string }
  /** `answer`: whether one of these trades triggered it. */
  | { kind: 'trigger'; trades: readonly { ticker: string; price: bigint }[]; answer: boolean }
  /** The legs of one batch for this order are settled in one step. */
  | { kind: 'fill'; legs: readonly Leg[]; answers: readonly Disposition[] }
  | { kind: 'see'; sight: Sight }

/** `began` and `ended` count the beginnings and ends of all operations. */
export type Operation = Done & { began: number; ended: number }

const sightOf = ({ status, version, filled }: State): string => `${status} v${version} ${filled}`

/** The state after the operation; null where the model would have answered otherwise. */
const after = (state: State, operation: Done): State | null => {
  switch (operation.kind) {
    case 'cancel': {
      const { state: next, answer } = cancel(state)
      return answer === operation.answer ? next : null
    }
    case 'end': {
      const { state: next, answer } = end(state, operation.status)
      const isOver = operation.status === 'CANCELED' && state.status === 'CANCELED'
      return (isOver ? 'OK' : answer) === operation.answer ? next : null
    }
    case 'trigger': {
      for (const trade of operation.trades) {
        const { state: next, answer } = trigger(state, trade)
        if (answer) return operation.answer ? next : null
      }
      return operation.answer ? null : state
    }
    case 'fill': {
      let next = state
      for (const [i, leg] of operation.legs.entries()) {
        const filled = fill(next, leg)
        if (filled.answer !== operation.answers[i]) return null
        next = filled.state
      }
      return next
    }
    case 'see': {
      const { status, version, filled } = operation.sight
      return sightOf(state) === `${status} v${version} ${filled}` ? state : null
    }
  }
}

/** Whether some order of the operations leads from `start` to the state pictured by `end`. */
export const isExplained = (start: State, operations: readonly Operation[], end: string): boolean => {
  const all = (1n << BigInt(operations.length)) - 1n
  const hopeless = new Set<string>()

  const search = (state: State, passed: bigint): boolean => {
    if (passed === all) return picture(state) === end
    const here = `${passed} ${picture(state)}`
    if (hopeless.has(here)) return false
    const rest = operations.filter((_, i) => (passed & (1n << BigInt(i))) === 0n)
    const firstEnd = Math.min(...rest.map(({ ended }) => ended))
    for (const operation of rest) {
      if (operation.began > firstEnd) continue
      const next = after(state, operation)
      if (next !== null && search(next, passed | (1n << BigInt(operations.indexOf(operation))))) return true
    }
    hopeless.add(here)
    return false
  }
  return search(start, 0n)
}

/** A history as a reader of a red test wants it. */
export const describe = (operations: readonly Operation[]): string =>
  operations
    .map((operation) => {
      const { began, ended } = operation
      const what =
        operation.kind === 'trigger'
          ? `${operation.trades.map(({ ticker, price }) => `${ticker} at ${price}`).join(', ')}: ${operation.answer}`
          : operation.kind === 'cancel' || operation.kind === 'end'
            ? operation.answer
            : operation.kind === 'see'
              ? `${operation.sight.status} v${operation.sight.version} ${operation.sight.filled}`
              : operation.legs
                  .map(
                    (leg, i) =>
                      `${leg.tradeId} ${leg.side ?? 'own'} ${leg.quantity} at ${leg.price}: ${operation.answers[i]}`,
                  )
                  .join(', ')
      return `${began}–${ended} ${operation.kind} ${what}`
    })
    .join('\n')
