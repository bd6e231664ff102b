// Databases whose tables come from another cluster, without the tools that are not in the package: a real copy (the schema first, then the
// rows by COPY past the triggers, in transactions of the new server, then the sequences), and one in place that only looks so.

import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations.ts'
import type { Snapshot } from '../../src/store/snapshot.ts'
import type { Sql } from '../../src/store/sql.ts'
import { decodeCursor, encodeCursor } from '../../src/tail/cursor.ts'

const open = (url: string): Sql => postgres(url, { max: 1, onnotice: () => undefined })

const tablesOf = async (sql: Sql): Promise<{ table: string; columns: string }[]> => sql<
  { table: string; columns: string }[]
>`
  select c.relname as "table", string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
  from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  group by c.relname order by c.relname`

/** `from`, `to`: addresses of databases; the second is empty. `sequences: false`: as logical replication, which leaves them at 1. */
export const copyLogically = async (from: string, to: string, { sequences = true } = {}): Promise<void> => {
  const [source, target] = [open(from), open(to)]
  try {
    await migrate(target, { migrations, onWait: () => undefined, onApplied: () => undefined })
    await target`set session_replication_role = replica`
    const tables = await tablesOf(source)
    await target.unsafe(`truncate ${tables.map(({ table }) => table).join(', ')}`)
    for (const { table, columns } of tables) {
      await pipeline(
        await source.unsafe(`copy ${table} (${columns}) to stdout`).readable(),
        await target.unsafe(`copy ${table} (${columns}) from stdin`).writable(),
      )
    }
    if (!sequences) return
    for (const name of ['outbox_position_seq', 'log_position', 'cancel_sweeps_id_seq']) {
      const [row] = await source.unsafe<{ last: string; called: boolean }[]>(
        `select last_value as last, is_called as called from ${name}`,
      )
      await target`select setval(${name}::regclass, ${row!.last}::bigint, ${row!.called}::boolean)`
    }
  } finally {
    await Promise.all([source.end({ timeout: 1 }), target.end({ timeout: 1 })])
  }
}

/** How far the transaction ids of the other cluster were ahead. */
const shift = 1_000_000_000n
/** Ids below 3 are of no transaction: a place that has seen nothing has seen nothing of the copy. */
const shifted = ({ xmax, xip }: Snapshot): Snapshot =>
  xmax < 3n ? { xmax, xip } : { xmax: xmax + shift, xip: xip.map((xact) => xact + shift) }

const shiftedCursor = (cursor: string): string => {
  const { place, issuedAtMs } = decodeCursor(cursor)!
  const witness = place.witness === null ? null : { ...place.witness, xact: place.witness.xact + shift }
  return encodeCursor({ ...place, witness, snapshot: shifted(place.snapshot) }, issuedAtMs)
}

/**
 * Makes a database look like a copy: the transaction ids of the log, and those in the kept places of the publication and of sessions, become those of a
 * cluster that had used up more.
 */
export const becomeCopy = async (sql: Sql): Promise<void> => {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    const ahead = String(shift)
    for (const table of ['orders', 'ingested_fills', 'order_changes'])
      await tx`update ${tx(table)} set xact = (xact::text::bigint + ${ahead}::bigint)::text::xid8 where xact > '3'`
    await tx`update log_epochs set xact = (xact::text::bigint + ${ahead}::bigint)::text::xid8`
    const places = await tx<{ number: string; cursor: string }[]>`select number, cursor from event_publication`
    for (const { number, cursor } of places)
      await tx`update event_publication set cursor = ${shiftedCursor(cursor)} where number = ${number}`
    const sessions = await tx<
      { id: string; cursor: string }[]
    >`select id, cursor from fix_sessions where cursor is not null`
    for (const { id, cursor } of sessions)
      await tx`update fix_sessions set cursor = ${shiftedCursor(cursor)} where id = ${id}`
  })
}
