// The guards of the tables of a take-over (sql/0025_adoption.sql): they are evidence, and never change.

import type { Guards } from './guards.ts'

const neverChanges = (table: string): string[] =>
  ['updated', 'deleted', 'truncated'].map((what) => `${table}_never_${what}`)

/** By table, as guards.ts has those of all others. */
export const adoptionGuards: Readonly<Record<string, Guards>> = {
  adoption: {
    triggers: neverChanges('adoption'),
    constraints: ['adoption_slot_check'],
    keys: { adoption_pkey: ['slot'] },
  },
  adoption_refused: {
    triggers: neverChanges('adoption_refused'),
    constraints: ['adoption_refused_kind'],
    keys: { adoption_refused_pkey: ['number'] },
  },
  adoption_openings: {
    triggers: neverChanges('adoption_openings'),
    constraints: ['adoption_openings_order_id_fkey'],
    keys: { adoption_openings_pkey: ['order_id', 'trade_id'] },
  },
  adoption_events: {
    triggers: ['adoption_events_decided_once', 'adoption_events_never_deleted', 'adoption_events_never_truncated'],
    constraints: ['adoption_events_order_id_fkey', 'adoption_events_kind', 'adoption_events_state'],
    keys: { adoption_events_pkey: ['order_id', 'kind'] },
  },
  adoption_beginnings: {
    triggers: neverChanges('adoption_beginnings'),
    constraints: [],
    keys: { adoption_beginnings_pkey: ['topic', 'partition'] },
  },
}
