// The fake of the rules of business (sql/0021_rules.sql, src/store/rules.ts), as far as a run has them: the trading state, and its changes
// through the gate.

import { gateTable } from './gating.ts'
import type { Postgres, RulesChangeRecord, TradingRecord } from './state.ts'
import { beginSweep } from './sweeping.ts'
import { ensureXid, lockTable, snapshotOf, type Steps, type Tx } from './transactions.ts'

type Place = { epoch: bigint; attempt: string | null }

const noLimits = {
  tick_size: null,
  lot_size: null,
  quantity_min: null,
  quantity_max: null,
  notional_max: null,
  reference_price: null,
  price_band_percent: null,
}

export const readRulesSince = (db: Postgres, known: Place): object[] => {
  const last = db.rulesChanges.find(({ epoch }) => epoch === db.epoch)
  const isKnown = db.rulesChanges.some(({ epoch, attempt }) => epoch === known.epoch && attempt === known.attempt)
  const head = {
    epoch: String(db.epoch),
    attempt: last?.attempt ?? null,
    continues: known.attempt === null || isKnown,
    listed: null,
    ...noLimits,
  }
  const changed = [...db.trading].filter(([, { epoch }]) => epoch > known.epoch)
  if (changed.length === 0) return [{ ...head, ticker: null, state: null }]
  return changed.map(([ticker, { state }]) => ({ ...head, ticker, state }))
}

export type RulesChange = {
  attempt: string
  ticker: string
  changed_by: string
  note: string
  subject: string | null
  request_id: string
}
export type RulesContent = { state?: string; cancelOpen?: boolean }

/** A `timestamptz` as the function writes it into JSON. */
const utcText = (at: number | null): string | null =>
  at === null ? null : new Date(at).toISOString().replace(/Z$/, '000Z')

const answerOf = (change: RulesChangeRecord): object => {
  const { at, before, after, epoch, ticker, changed_by, note, subject, request_id } = change
  return {
    ticker,
    changed_by,
    note,
    subject,
    request_id,
    epoch: String(epoch),
    at: utcText(at),
    what: 'TRADING',
    before: JSON.stringify(before),
    after: JSON.stringify(after),
  }
}

const stateAfter = (
  was: TradingRecord | undefined,
  state: string,
  now: { at: number; epoch: bigint },
): TradingRecord => ({
  state,
  since: was?.state === state ? was.since : now.at,
  epoch: now.epoch,
})

/** Each of its statements has a snapshot of its own, taken once the gate is its own. */
export function* changeRules(
  db: Postgres,
  tx: Tx,
  { change, content, lockTimeoutMs }: { change: RulesChange; content: RulesContent; lockTimeoutMs: number },
): Steps<object[]> {
  tx.lockTimeoutMs = lockTimeoutMs
  yield* lockTable(db, tx, gateTable)
  tx.lockTimeoutMs = null
  const done = db.rulesChanges.find(({ attempt }) => attempt === change.attempt)
  if (done !== undefined) return [answerOf(done)]
  const { state, cancelOpen } = content
  const { ticker, request_id: requestId, subject } = change
  yield null
  ensureXid(db, tx)
  const epoch = db.epoch + 1n
  tx.writes.push(() => (db.epoch = epoch))
  const was = db.trading.get(ticker)
  const resumes = was?.state === 'HALTED' && state === 'ACTIVE'
  const at = Math.max(db.clock(), resumes ? was.since : 0)
  const row: RulesChangeRecord = {
    ...change,
    epoch,
    at,
    before: {},
    after: {},
    halted_since: resumes ? was.since : null,
  }
  yield null
  if (state !== undefined) {
    const now = stateAfter(was, state, { at, epoch })
    row.before = { state: was?.state ?? 'ACTIVE', since: utcText(was?.since ?? null) }
    row.after = { state: now.state, since: utcText(now.since) }
    tx.writes.push(() => void db.trading.set(ticker, now))
  }
  yield null
  if (cancelOpen === true) {
    row.after = { ...row.after, cancelOpen }
    const cause = { kind: 'halt', requestId, ...(subject === null ? {} : { subject }) }
    const scope = { user_id: null, ticker: ticker === '' ? null : ticker, side: null }
    beginSweep(db, tx, {
      ...scope,
      reason_code: 'HALT',
      cause: JSON.stringify(cause),
      due_at: null,
      snapshot: snapshotOf(db),
    })
  }
  yield null
  tx.writes.push(() => {
    db.rulesChanges.push(row)
    db.onRules(row, tx)
  })
  return [answerOf(row)]
}
