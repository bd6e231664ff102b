// Makes a database look as if its tables had been dumped in another cluster and restored here: Debian's tools are not at hand in every run.

import type { Snapshot } from '../../src/store/snapshot.ts'
import type { Sql } from '../../src/store/sql.ts'
import { decodeCursor, encodeCursor } from '../../src/tail/cursor.ts'

/** How far the transaction ids of the other cluster were ahead. */
const shift = 1_000_000_000n
const shifted = ({ xmax, xip }: Snapshot): Snapshot => ({ xmax: xmax + shift, xip: xip.map((xact) => xact + shift) })

/** The transaction ids of the log, and those in the kept places of the publication, become those of a cluster that had used up more. */
export const becomeCopy = async (sql: Sql): Promise<void> => {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    const ahead = String(shift)
    for (const table of ['orders', 'ingested_fills', 'order_changes'])
      await tx`update ${tx(table)} set xact = (xact::text::bigint + ${ahead}::bigint)::text::xid8 where xact > '3'`
    await tx`update log_epochs set xact = (xact::text::bigint + ${ahead}::bigint)::text::xid8`
    const places = await tx<{ number: string; cursor: string }[]>`select number, cursor from event_publication`
    for (const { number, cursor } of places) {
      const { place, issuedAtMs } = decodeCursor(cursor)!
      const witness = place.witness === null ? null : { ...place.witness, xact: place.witness.xact + shift }
      const copy = encodeCursor({ ...place, witness, snapshot: shifted(place.snapshot) }, issuedAtMs)
      await tx`update event_publication set cursor = ${copy} where number = ${number}`
    }
  })
}
