// The rules of business as they are stored (sql/0021_rules.sql): how a replica learns of changes, and how a change is made.

import { amountFromSql, formatAmount } from '../domain/decimal.ts'
import { limitNames, type LimitName, type Limits, type TradingState } from '../domain/rules.ts'
import type { Sql } from './sql.ts'
import { isoFromSql } from './time.ts'

/** The columns of an instrument that are limits. */
const columnOf = {
  tickSize: 'tick_size',
  lotSize: 'lot_size',
  quantityMin: 'quantity_min',
  quantityMax: 'quantity_max',
  notionalMax: 'notional_max',
  referencePrice: 'reference_price',
  priceBandPercent: 'price_band_percent',
} as const satisfies Record<LimitName, string>

export type LimitsRow = Record<(typeof columnOf)[LimitName], string | null>

export const limitsFromRow = (row: LimitsRow): Limits =>
  Object.fromEntries(
    limitNames.map((name) => {
      const value = row[columnOf[name]]
      return [name, value === null ? null : amountFromSql(value)]
    }),
  ) as Record<LimitName, bigint | null>

/** Up to where a replica knows the rules. `attempt`: of the last change; null: there was none yet. */
export type RulesPlace = { epoch: string; attempt: string | null }

/** Before all rules. */
export const nothingRead: RulesPlace = { epoch: '0', attempt: null }

/** What changed. The ticker `''` stands for all tickers, and for those that have no limit of their own. */
export type RulesDelta = {
  place: RulesPlace
  /** False: the rules that were known are not those of this database (it was restored, or a standby that lacked changes took over). */
  continues: boolean
  states: { ticker: string; state: TradingState }[]
  instruments: { ticker: string; listed: boolean; limits: Limits }[]
}

type DeltaRow = LimitsRow & {
  epoch: string
  attempt: string | null
  continues: boolean
  ticker: string | null
  state: TradingState | null
  listed: boolean | null
}

/** The rules that changed since a place: one statement, so all of it is of one moment. It reads as many rows as changed. */
export const readRulesSince = async (sql: Sql, known: RulesPlace): Promise<RulesDelta> => {
  const rows = await sql<DeltaRow[]>`
    select g.epoch, last.attempt::text as attempt, r.*,
           ${known.attempt}::text is null
           or exists (select from rules_changes k where k.epoch = ${known.epoch}::bigint and k.attempt = ${known.attempt}::text::uuid) as continues
    from rules_gate g
    left join rules_changes last on last.epoch = g.epoch
    left join lateral (
      select s.ticker, s.state, null::boolean as listed, null::numeric as tick_size, null::numeric as lot_size, null::numeric as quantity_min,
             null::numeric as quantity_max, null::numeric as notional_max, null::numeric as reference_price, null::numeric as price_band_percent
      from trading_states s where s.epoch > ${known.epoch}::bigint
      union all
      select i.ticker, null, i.listed, i.tick_size, i.lot_size, i.quantity_min,
             i.quantity_max, i.notional_max, i.reference_price, i.price_band_percent
      from instruments i where i.epoch > ${known.epoch}::bigint
    ) r on true`
  const { epoch, attempt, continues } = rows[0]!
  const changed = rows.flatMap((row) => (row.ticker === null ? [] : [{ ...row, ticker: row.ticker }]))
  return {
    place: { epoch, attempt },
    continues,
    states: changed.flatMap(({ ticker, state }) => (state === null ? [] : [{ ticker, state }])),
    instruments: changed.flatMap((row) =>
      row.listed === null ? [] : [{ ticker: row.ticker, listed: row.listed, limits: limitsFromRow(row) }],
    ),
  }
}

export const rulesChangeKinds = ['TRADING', 'LISTED', 'DELISTED'] as const
export type RulesChangeKind = (typeof rulesChangeKinds)[number]

/** Who changes a rule, and why. `attempt`: a UUID of this call, the same however often it is tried. `by`: who, as the request says it. */
export type ChangeOrigin = { attempt: string; by: string; note: string; subject: string | null; requestId: string }

/**
 * What changes. Ticker `''`: of all tickers; only there the limits are those of tickers that have none of their own. `cancelOpen`: all orders
 * that are open when the halt begins are canceled.
 */
export type RulesChange =
  | { what: 'TRADING'; ticker: string; state?: TradingState; limits?: Limits; cancelOpen?: boolean }
  | { what: 'LISTED'; ticker: string; limits: Limits }
  | { what: 'DELISTED'; ticker: string }

/** `before`, `after`: JSON text with exact numbers. Times are ISO-8601. */
export type StoredChange = {
  epoch: string
  at: string
  what: RulesChangeKind
  ticker: string
  before: string
  after: string
  by: string
  note: string
  subject: string | null
  requestId: string
}

type ChangeRow = {
  epoch: string
  at: string
  what: RulesChangeKind
  ticker: string
  before: string
  after: string
  changed_by: string
  note: string
  subject: string | null
  request_id: string
}

const changeFromRow = ({ at, changed_by: by, request_id: requestId, ...row }: ChangeRow): StoredChange => ({
  ...row,
  at: isoFromSql(at),
  by,
  requestId,
})

/** The columns of ChangeRow, of the change called `c`. */
const changeColumns = (sql: Sql) => sql`
  c.epoch, utc_text(c.at) as at, c.what, c.ticker, c.before::text as before, c.after::text as after, c.changed_by, c.note, c.subject, c.request_id`

/** The limits as JSON with exact numbers. */
const limitsText = (limits: Limits): string =>
  `{${limitNames.map((name) => `"${name}":${limits[name] === null ? 'null' : formatAmount(limits[name])}`).join(',')}}`

const contentOf = (change: RulesChange): string => {
  const members: string[] = []
  if (change.what === 'TRADING' && change.state !== undefined) members.push(`"state":"${change.state}"`)
  if (change.what === 'TRADING' && change.cancelOpen === true) members.push('"cancelOpen":true')
  if (change.what !== 'DELISTED' && change.limits !== undefined) members.push(`"limits":${limitsText(change.limits)}`)
  return `{${members.join(',')}}`
}

/**
 * Changes a rule; see change_rules in sql/0021_rules.sql. Once this has returned, no statement stores an order or triggers a stop by the rules
 * of before. Idempotent by `attempt`. Undefined: the ticker that is to be delisted is not listed. `lockTimeoutMs`: how long it waits for
 * statements that are under way; those that come meanwhile wait behind it, so it has to be shorter than theirs.
 */
export const changeRules = async (
  sql: Sql,
  change: RulesChange,
  { origin, lockTimeoutMs }: { origin: ChangeOrigin; lockTimeoutMs: number },
): Promise<StoredChange | undefined> => {
  const { attempt, by, note, subject, requestId } = origin
  const row = {
    attempt,
    what: change.what,
    ticker: change.ticker,
    changed_by: by,
    note,
    subject,
    request_id: requestId,
  }
  const [stored] = await sql<ChangeRow[]>`
    select ${changeColumns(sql)}
    from change_rules(${JSON.stringify(row)}::text::jsonb, ${contentOf(change)}::text::jsonb, ${lockTimeoutMs}::integer) c`
  return stored === undefined ? undefined : changeFromRow(stored)
}

/** At most `limit` changes, newest first. `before`: epochs below this one only. */
export const readRulesChanges = async (
  sql: Sql,
  before: string | undefined,
  limit: number,
): Promise<StoredChange[]> => {
  const rows = await sql<ChangeRow[]>`
    select ${changeColumns(sql)} from rules_changes c
    where ${before === undefined ? sql`true` : sql`c.epoch < ${before}::bigint`}
    order by c.epoch desc
    limit ${limit}::integer`
  return rows.map(changeFromRow)
}
