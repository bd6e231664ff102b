// When a lease is over, by the database's clock. That clock can be set back, and then the lease of a replica that has died since would seem to
// last for as long as the clock was set back.

import { sqlText } from './sqlText.ts'

/** No lease lasts longer than a minute. What lies further ahead than this was written before the clock was set back. */
const furthest = `clock_timestamp() + interval '2 minutes'`

/**
 * Whether the lease that ends at `end`, a column, is over. If it is one from before the clock was set back, its holder may live and loses it, of
 * which it learns at its next renewal, as it would if the clock had been set forward.
 */
export const isOver = (end: string) => sqlText([`(${end} <= clock_timestamp() or ${end} > ${furthest})`])

/** Whether a replica that was seen at that time, a column, may have been seen since the clock was set back. */
export const isNoLaterThanNow = (seenAt: string) => sqlText([`${seenAt} < ${furthest}`])
