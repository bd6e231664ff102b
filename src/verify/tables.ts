// Verifies the tables: the guards and the gaps first, then every order against its ledger, every key, the rules, the outbox, the
// sweeps, the exceptions, the reports of the engine, the sessions of FIX, and every history. It only reads, one page per statement, so memory is
// bounded and the service may go on working.

import { readKeysFilled } from '../store/keys.ts'
import type { Sql } from '../store/sql.ts'
import { readToldPlaces, verifyToldPage } from './fixReportsSql.ts'
import { firstSent, verifyFixSessions, verifySentPage } from './fixSql.ts'
import { verifyGuards } from './guardsSql.ts'
import { readLastEpoch, verifyHistoryPage, verifyLogPosition } from './historySql.ts'
import { firstKey, verifyKeysPage, verifyOrderKeysPage } from './keysSql.ts'
import { estimateOrders, lowestId, verifyOrdersPage, type Page } from './ordersSql.ts'
import { verifyEngineEndsPage, verifyReportsPage } from './reportsSql.ts'
import { verifyJudgedPage, verifyRules } from './rulesSql.ts'
import { verifySweepsPage } from './sweepsSql.ts'
import { verifyExceptionsPage, verifyGaps, verifyOutboxPage } from './tablesSql.ts'
import type { Violation } from './violation.ts'

export type Reporter = {
  /** Awaited, so that a reader who is slower than the database holds it up instead of filling memory. */
  onViolations: (violations: readonly Violation[]) => Promise<void>
  /** Something that an operator should know and that breaks no rule. */
  onNote: (note: string) => Promise<void>
  /** `total` is an estimate; null if there is none. */
  onProgress: (what: string, done: number, total: number | null) => void
}

export type Verified = { orders: number; fills: number }

/** Orders per statement. */
export const ordersPageMax = 10_000
const rowsPageMax = 10_000

/** Follows pages to their end. */
const walk = async <Cursor, P extends Page<Cursor>>(
  first: Cursor,
  read: (after: Cursor) => Promise<P>,
  onPage: (page: P) => Promise<void>,
): Promise<void> => {
  for (let after: Cursor | null = first; after !== null;) {
    const page: P = await read(after)
    await onPage(page)
    after = page.next
  }
}

const otherCluster =
  'the tables were copied from another cluster, and no replica has started here since: transaction ids are not checked'

/** The history of every order, and the sequence of positions after that. */
const verifyHistory = async (sql: Sql, total: number | null, { onViolations, onNote, onProgress }: Reporter) => {
  const state = await readLastEpoch(sql)
  if (state === null)
    return onViolations([{ subject: 'guard', id: 'log_epochs', rule: 'epochs', expected: 'at least 1', found: '0' }])
  if (!state.ours) await onNote(otherCluster)
  const floor = state.ours ? state.floor : null
  let highest = 0n
  let pages = 0
  await walk(
    lowestId,
    (after) => verifyHistoryPage(sql, { after, limit: ordersPageMax, floor }),
    async (page) => {
      if (BigInt(page.highest) > highest) highest = BigInt(page.highest)
      onProgress('histories', ++pages * ordersPageMax, total)
      await onViolations(page.violations)
    },
  )
  await onViolations(await verifyLogPosition(sql, { highest: String(highest), floor: state.floor }))
}

const stillFilling =
  'the keys of older orders are still being filled in: whether every order has its key is not checked'

/** The key of every order, and the order of every key. */
const verifyKeys = async (sql: Sql, total: number | null, { onViolations, onNote, onProgress }: Reporter) => {
  let pages = 0
  let keys = 0
  if (await readKeysFilled(sql))
    await walk(
      lowestId,
      (after) => verifyOrderKeysPage(sql, { after, limit: ordersPageMax }),
      async ({ violations }) => {
        onProgress('keys of orders', ++pages * ordersPageMax, total)
        await onViolations(violations)
      },
    )
  else await onNote(stillFilling)
  await walk(
    firstKey,
    (after) => verifyKeysPage(sql, { after, limit: rowsPageMax }),
    async (page) => {
      keys += page.keys
      onProgress('keys', keys, null)
      await onViolations(page.violations)
    },
  )
}

/** The sessions of FIX: their numbers, that what was sent is in the log, and that what is in the log was sent. */
const verifySessions = async (sql: Sql, { onViolations }: Reporter): Promise<void> => {
  const report = ({ violations }: { violations: Violation[] }): Promise<void> => onViolations(violations)
  await onViolations(await verifyFixSessions(sql))
  await walk(firstSent, (after) => verifySentPage(sql, { after, limit: rowsPageMax }), report)
  const { places, violations } = await readToldPlaces(sql)
  await onViolations(violations)
  await walk(lowestId, (after) => verifyToldPage(sql, { after, limit: ordersPageMax, places }), report)
}

/** Everything but the histories. */
const verifyRows = async (sql: Sql, total: number | null, reporter: Reporter): Promise<Verified> => {
  const { onViolations, onProgress } = reporter
  const verified: Verified = { orders: 0, fills: 0 }
  await walk(
    lowestId,
    (after) => verifyOrdersPage(sql, { after, limit: ordersPageMax }),
    async ({ orders, fills, violations }) => {
      verified.orders += orders
      verified.fills += fills
      onProgress('orders', verified.orders, total)
      await onViolations(violations)
    },
  )
  await verifyKeys(sql, total, reporter)
  const report = ({ violations }: Page<string>): Promise<void> => onViolations(violations)
  await onViolations(await verifyRules(sql))
  await walk(lowestId, (after) => verifyJudgedPage(sql, { after, limit: ordersPageMax }), report)
  await walk('-1', (after) => verifyOutboxPage(sql, { after, limit: rowsPageMax }), report)
  await walk('0', (after) => verifySweepsPage(sql, { after, limit: rowsPageMax }), report)
  await walk(lowestId, (after) => verifyExceptionsPage(sql, { after, limit: rowsPageMax }), report)
  await walk(lowestId, (after) => verifyReportsPage(sql, { after, limit: rowsPageMax }), report)
  await walk(lowestId, (after) => verifyEngineEndsPage(sql, { after, limit: ordersPageMax }), report)
  await verifySessions(sql, reporter)
  return verified
}

/**
 * Returns how many orders and fills it looked at, after it has reported every violation. With a second reader in `beside`, the histories, which
 * are half of the work, are verified at the same time. Throws the errors of Postgres and the network.
 */
export const verifyTables = async (
  sql: Sql,
  reporter: Reporter,
  { beside }: { beside?: Sql } = {},
): Promise<Verified> => {
  await reporter.onViolations(await verifyGuards(sql))
  await reporter.onViolations(await verifyGaps(sql))
  const total = await estimateOrders(sql)
  if (beside === undefined) {
    const verified = await verifyRows(sql, total, reporter)
    await verifyHistory(sql, total, reporter)
    return verified
  }
  // One bar: that of the histories is seen once the other work is done.
  let rowsAreDone = false
  const quiet: Reporter = { ...reporter, onProgress: (...bar) => rowsAreDone && reporter.onProgress(...bar) }
  const rows = verifyRows(sql, total, reporter).finally(() => (rowsAreDone = true))
  const [verified] = await Promise.all([rows, verifyHistory(beside, total, quiet)])
  return verified
}
