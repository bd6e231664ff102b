// Which events wait for an operator's decision, once a database was taken over.

import { sqlText } from '../store/sqlText.ts'

/**
 * Events that wait, called `e`, of the orders `o`. A placement waits only while its order is NEW: who matches orders has shown that he knows any
 * other, or was told that it is over.
 */
export const toDecideText = `adoption_events e join orders o on o.id = e.order_id
  where e.state = 'UNDECIDED' and (e.kind = 'CANCELLED' or o.status = 'NEW')`

/** The same as a part of a statement. */
export const toDecide = sqlText([toDecideText])
