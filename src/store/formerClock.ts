// The database's clock can be set back. The lease of a replica that has died since would then seem to last for as long as it was set back.

import { sqlText } from './sqlText.ts'

/** No lease lasts longer, in milliseconds. */
export const leaseMaxMs = 60_000

/** What ends or was seen later than this was written before the clock was set back. */
const furthest = `clock_timestamp() + interval '${2 * leaseMaxMs} milliseconds'`

/** Whether the time in this column was written before the clock was set back. */
export const isOfFormerClock = (time: string) => sqlText([`${time} > ${furthest}`])

/**
 * Whether the lease that ends at the time in this column is over. If it is one from before the clock was set back, its holder may live and loses
 * it, of which it learns at its next renewal, as it would if the clock had been set forward.
 */
export const isOver = (end: string) => sqlText([`(${end} <= clock_timestamp() or ${end} > ${furthest})`])
