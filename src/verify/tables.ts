// Verifies the tables: the guards and the gaps first, then every order against its ledger, its history and whatever else is said of it, then
// every key, the rules, the outbox, the sweeps, the exceptions, the reports of the engine and the sessions of FIX. It only reads, one page per
// statement, so memory is bounded and the service may go on working.

import { readKeysFilled } from '../store/keys.ts'
import type { Sql } from '../store/sql.ts'
import { readToldPlaces, toldJudge } from './fixReportsSql.ts'
import { firstSent, verifyFixSessions, verifySentPage } from './fixSql.ts'
import { verifyGuards } from './guardsSql.ts'
import { historyJudge, readLastEpoch, verifyLogPosition, type LastEpoch } from './historySql.ts'
import { firstKey, keyJudge, verifyKeysPage } from './keysSql.ts'
import { ledgerJudge } from './ordersSql.ts'
import {
  endOfPage,
  estimateOrders,
  highestId,
  judgePage,
  lowestId,
  readMiddleId,
  type Judge,
  type Judged,
  type Page,
  type Range,
} from './page.ts'
import { engineEndsJudge, verifyReportsPage } from './reportsSql.ts'
import { rulesJudge, verifyRules } from './rulesSql.ts'
import { verifySweepIds, verifySweepsPage } from './sweepsSql.ts'
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
const stillFilling =
  'the keys of older orders are still being filled in: whether every order has its key is not checked'

/** The rules of an order, as they are for this database. `epoch`: the last one; null: there is none. */
const readJudges = async (sql: Sql, epoch: LastEpoch | null, { onViolations, onNote }: Reporter) => {
  if (epoch === null)
    await onViolations([{ subject: 'guard', id: 'log_epochs', rule: 'epochs', expected: 'at least 1', found: '0' }])
  else if (!epoch.ours) await onNote(otherCluster)
  const keysFilled = await readKeysFilled(sql)
  if (!keysFilled) await onNote(stillFilling)
  const { places, violations } = await readToldPlaces(sql)
  await onViolations(violations)
  return (range: Range): Judge[] => [
    ledgerJudge(sql),
    ...(keysFilled ? [keyJudge(sql)] : []),
    rulesJudge(sql),
    engineEndsJudge(sql, range),
    ...(epoch === null ? [] : [historyJudge(sql, epoch.ours ? epoch.floor : null)]),
    toldJudge(sql, places),
  ]
}

/** Judges the orders of a range of ids, page by page. */
const walkOrders = async (
  sql: Sql,
  range: Range,
  judges: (page: Range) => Judge[],
  onPage: (page: Judged) => Promise<void>,
) => {
  for (let { after } = range; after !== range.last;) {
    const page = { after, last: await endOfPage(sql, { after, last: range.last }, ordersPageMax) }
    await onPage(await judgePage(sql, page, judges(page)))
    after = page.last
  }
}

/**
 * Lets a session join sets without looking at each pair, or ends that. Of how many uuids lie between two of one bucket of its histogram Postgres
 * says one, so with a million orders it joins pages of thousands pair by pair.
 */
const joinSets = (sql: Sql, on: boolean) => sql`select set_config('enable_nestloop', ${on ? 'off' : 'on'}, false)`

/** Every order, and the sequence of positions after that. */
const verifyOrders = async (sql: Sql, beside: Sql | undefined, reporter: Reporter): Promise<Verified> => {
  const { onViolations, onProgress } = reporter
  const total = await estimateOrders(sql)
  const epoch = await readLastEpoch(sql)
  const judges = await readJudges(sql, epoch, reporter)
  const verified: Verified = { orders: 0, fills: 0 }
  let highest = 0n
  const onPage = async (page: Judged): Promise<void> => {
    verified.orders += page.orders
    verified.fills += page.fills
    if (page.highest > highest) highest = page.highest
    onProgress('orders', verified.orders, total)
    await onViolations(page.violations)
  }
  const middle = beside === undefined ? null : await readMiddleId(sql)
  const sessions = beside === undefined ? [sql] : [sql, beside]
  await Promise.all(sessions.map((session) => joinSets(session, true)))
  if (beside === undefined || middle === null)
    await walkOrders(sql, { after: lowestId, last: highestId }, judges, onPage)
  else
    await Promise.all([
      walkOrders(sql, { after: lowestId, last: middle }, judges, onPage),
      walkOrders(beside, { after: middle, last: highestId }, judges, onPage),
    ])
  await Promise.all(sessions.map((session) => joinSets(session, false)))
  if (epoch !== null) await onViolations(await verifyLogPosition(sql, { highest: String(highest), floor: epoch.floor }))
  return verified
}

/** Every key: the order that it names has it. */
const verifyKeys = async (sql: Sql, { onViolations, onProgress }: Reporter): Promise<void> => {
  let keys = 0
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

/** The sessions of FIX: their numbers, and that what was sent is in the log. */
const verifySessions = async (sql: Sql, { onViolations }: Reporter): Promise<void> => {
  await onViolations(await verifyFixSessions(sql))
  await walk(
    firstSent,
    (after) => verifySentPage(sql, { after, limit: rowsPageMax }),
    ({ violations }) => onViolations(violations),
  )
}

/**
 * Returns how many orders and fills it looked at, after it has reported every violation. With a second reader in `beside`, half of the orders are
 * judged in it at the same time. Throws the errors of Postgres and the network.
 */
export const verifyTables = async (
  sql: Sql,
  reporter: Reporter,
  { beside }: { beside?: Sql } = {},
): Promise<Verified> => {
  const { onViolations } = reporter
  const report = ({ violations }: Page<string>): Promise<void> => onViolations(violations)
  await onViolations(await verifyGuards(sql))
  await onViolations(await verifyGaps(sql))
  const verified = await verifyOrders(sql, beside, reporter)
  await verifyKeys(sql, reporter)
  await onViolations(await verifyRules(sql))
  await walk('-1', (after) => verifyOutboxPage(sql, { after, limit: rowsPageMax }), report)
  await onViolations(await verifySweepIds(sql))
  await walk('0', (after) => verifySweepsPage(sql, { after, limit: rowsPageMax }), report)
  await walk(lowestId, (after) => verifyExceptionsPage(sql, { after, limit: rowsPageMax }), report)
  await walk(lowestId, (after) => verifyReportsPage(sql, { after, limit: rowsPageMax }), report)
  await verifySessions(sql, reporter)
  return verified
}
