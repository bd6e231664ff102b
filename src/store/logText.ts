// The statements that read the log. Each of them says from which snapshot its rows come, and whether its place is one of this database.
//
// What a place has not seen lies in two sets of each table: transactions from its xmax on (`past`), and those that ran then (`running`).
// Each set is read by an arm of its own, along the index by transaction; `or` between them would read the whole table. That index holds
// only rows above '3' and is used only where the statement says so. Rows with ids that this server has not given out yet come from a copy
// of another cluster: the bound by the present xmax keeps a read from walking over all of them.

import { acceptanceColumns, changeColumns, fillColumns, orderOfEventColumns } from './historyRows.ts'
import { parameter, statementText } from './sqlText.ts'

/** `owner`: whose user and ticker a filter compares, once `join` has brought it in. */
const tables = [
  { name: 'orders', t: 'a', columns: acceptanceColumns, orderId: 'a.id', version: '0', owner: 'a', join: '' },
  {
    name: 'ingested_fills',
    t: 'f',
    columns: fillColumns,
    orderId: 'f.order_id',
    version: 'f.order_version',
    owner: 'x',
    join: 'join orders x on x.id = f.order_id',
  },
  {
    name: 'order_changes',
    t: 'c',
    columns: changeColumns,
    orderId: 'c.order_id',
    version: 'c.version',
    owner: 'x',
    join: 'join orders x on x.id = c.order_id',
  },
] as const
type Table = (typeof tables)[number]
type Text = TemplateStringsArray

const union = (parts: readonly Text[]): Text =>
  parts.reduce(
    (joined, next) => statementText`${joined}
      union all
      ${next}`,
  )

export const ofTables = (write: (table: Table) => Text): Text => union(tables.map(write))

/** Id of the first transaction that has not begun yet, in the statement's own snapshot. */
const present = 'pg_snapshot_xmax(pg_current_snapshot())'

/** What every statement says of the database; with the place, its parameters are placeParameters of log.ts. */
export const stateColumns = 's.snapshot, s.standby, s.epoch, s.epoch_xact, s.ours, s.witnessed'

export const state: Text = statementText`(
      select pg_current_snapshot()::text as snapshot, pg_is_in_recovery() as standby, p.epoch, p.floor, p.xact as epoch_xact,
             p.xmin::text::numeric = mod(p.xact::text::numeric, 4294967296) as ours,
             w.xact is null or exists (
               select from orders a where w.version = 0 and a.id = w.order_id and a.xact = w.xact and a.position = w.position
             ) or exists (
               select from ingested_fills f
               where f.order_id = w.order_id and f.order_version = w.version and f.xact = w.xact and f.position = w.position
             ) or exists (
               select from order_changes c
               where c.order_id = w.order_id and c.version = w.version and c.xact = w.xact and c.position = w.position
             ) as witnessed,
             w.past, w.running
      from (select ${parameter}::text::xid8 as past, ${parameter}::text[]::xid8[] as running, ${parameter}::text::xid8 as xact,
                   ${parameter}::text::bigint as position, ${parameter}::text::uuid as order_id, ${parameter}::integer as version) w
      cross join (select epoch, floor, xact, xmin from log_epochs order by epoch desc limit 1) p
    ) s`

/** The orders of the events called `e`. */
export const withOrders = 'left join orders o on o.id = e.order_id'
export const eventColumns = `e.*, ${orderOfEventColumns}`

const deltaArms = ofTables(({ name, t, columns }) => {
  const arm = statementText`select ${columns}, ${t}.xact, ${t}.position from ${name} ${t} where ${t}.xact > '3' and ${t}.position > s.floor`
  return statementText`(${arm} and ${t}.xact >= s.past and ${t}.xact < ${present} order by ${t}.xact limit ${parameter}::integer)
      union all
      (${arm} and ${t}.xact = any (s.running) limit ${parameter}::integer)`
})

/** Everything that its place has not seen. Parameters: the place, then six times the limit of an arm. */
export const deltaText = statementText`
    select ${stateColumns}, ${eventColumns}
    from ${state}
    left join lateral (
      ${deltaArms}
    ) e on true
    ${withOrders}`

const filter: Text = statementText`(
      select ${parameter}::text::uuid as user_id, ${parameter}::text as ticker, ${parameter}::text::uuid as order_id,
             ${parameter}::text[] as sessions, ${parameter}::text[] as origins, ${parameter}::text[]::uuid[] as user_ids
    ) q`

/** Only changes can be made by a session that the order did not come through. */
const concernsSessions = ({ name, t, owner }: Table): string =>
  `q.sessions is null or ${owner}.origin = any (q.origins) or ${owner}.user_id = any (q.user_ids)${
    name === 'order_changes' ? ` or ${t}.cause ->> 'session' = any (q.sessions)` : ''
  }`

const passes = (table: Table): string =>
  `(q.user_id is null or ${table.owner}.user_id = q.user_id) and (q.ticker is null or ${table.owner}.ticker = q.ticker)
        and (q.order_id is null or ${table.owner}.id = q.order_id) and (${concernsSessions(table)})`

const keyColumns = ({ t, orderId, version }: Table): string =>
  `${t}.xact, ${t}.position, ${orderId} as order_id, ${version} as version`

/** The row of each table that is so many rows on from the place. */
const edges = ofTables((table) => {
  const { name, t } = table
  return statementText`(select ${keyColumns(table)} from ${name} ${t}
          where ${t}.xact > '3' and ${t}.xact >= s.past and ${t}.xact < ${present} and ${t}.position > s.floor
          order by ${t}.xact offset ${parameter}::integer limit 1)`
})

/** The last row of each table. Rows of a copied cluster lie below the transaction that began the epoch, or are skipped. */
const heads = ofTables((table) => {
  const { name, t } = table
  return statementText`(select ${keyColumns(table)} from ${name} ${t}
          where ${t}.xact > '3' and ${t}.xact > s.epoch_xact and ${t}.xact < ${present} and ${t}.position > s.floor
          order by ${t}.xact desc limit 1)`
})

export const markColumns =
  'm.xact as mark_xact, m.position as mark_position, m.order_id as mark_order_id, m.version as mark_version'

/** The head of the log. Parameters: the place. */
export const startText = statementText`
    select ${stateColumns}, ${markColumns}
    from ${state}
    left join lateral (
      select * from (
          ${heads}
      ) k order by k.xact desc limit 1
    ) m on true`

/**
 * The row that is so many rows on, in the table where that is the lowest transaction; the head, if none has so many. Parameters: three
 * times the number.
 */
export const mark: Text = statementText`left join lateral (
      select * from (
        (select k.*, true as bounded from (
          ${edges}
        ) k order by k.xact limit 1)
        union all
        (select k.*, false from (
          ${heads}
        ) k order by k.xact desc limit 1)
      ) k order by k.bounded desc limit 1
    ) m on true`

const filteredArms = ofTables((table) => {
  const { name, t, columns, join } = table
  const arm = statementText`select ${columns}, ${t}.xact, ${t}.position from ${name} ${t} ${join}
       where ${t}.xact > '3' and ${t}.position > s.floor and ${passes(table)}`
  return statementText`(${arm} and ${t}.xact >= s.past and ${t}.xact <= case when m.bounded then m.xact else ${present} end
       order by ${t}.xact limit ${parameter}::integer)
      union all
      (${arm} and ${t}.xact = any (s.running) limit ${parameter}::integer)`
})

/**
 * The events that pass a filter, up to the mark: a row that is so many rows on and the end of its transaction, or the head. Parameters:
 * the place, the filter, three times the number of rows, and six times the limit of an arm.
 */
export const filteredText = statementText`
    select ${stateColumns}, ${markColumns}, m.bounded, ${eventColumns}
    from ${state}
    cross join ${filter}
    ${mark}
    left join lateral (
      ${filteredArms}
    ) e on true
    ${withOrders}`

const pageArms = ofTables((table) => {
  const { name, t, columns, join } = table
  const arm = statementText`select ${columns}, ${t}.xact, ${t}.position from ${name} ${t} ${join}
       where ${t}.xact > '3' and ${t}.position > s.floor and ${t}.position > b.after and ${passes(table)}
         and pg_visible_in_snapshot(${t}.xact, b.seen)`
  return statementText`(${arm} and ${t}.xact >= s.past and ${t}.xact < pg_snapshot_xmax(b.seen))
      union all
      (${arm} and ${t}.xact = any (s.running))`
})

/** What lies between the place and a later snapshot, by position. Parameters: the place, the filter, snapshot, position, limit. */
export const pageText = statementText`
    select ${stateColumns}, ${eventColumns}
    from ${state}
    cross join ${filter}
    cross join (select ${parameter}::text::pg_snapshot as seen, ${parameter}::text::bigint as after) b
    left join lateral (
      select * from (
      ${pageArms}
      ) d order by d.position limit ${parameter}::integer
    ) e on true
    ${withOrders}`

const countArms = ofTables(({ name, t }) => {
  const arm = statementText`select ${t}.xact from ${name} ${t} where ${t}.xact > '3' and ${t}.position > s.floor`
  return statementText`(${arm} and ${t}.xact >= s.past and ${t}.xact < ${present}) union all (${arm} and ${t}.xact = any (s.running))`
})

/** How many rows the place has not seen, counted up to a limit. Parameters: the place, the limit. */
export const countText = statementText`
    select ${stateColumns}, d.behind
    from ${state}
    cross join lateral (
      select count(*) as behind from (
        select from (
        ${countArms}
        ) r limit ${parameter}::integer
      ) r
    ) d`
