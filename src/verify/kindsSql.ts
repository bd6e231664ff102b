// The kinds of events as a table that a query can join.

import { eventKinds, orderEvents, type EventKind } from '../domain/events.ts'
import type { Status } from '../domain/order.ts'
import { textArray, type Fragment, type Sql } from '../store/sql.ts'

/** The status that an event of each kind demands of its order; null for a kind that every order has. */
const endings: Readonly<Record<EventKind, { endsAs: Status | null }>> = orderEvents

/** `k (kind, ends_as)`: one row a kind. */
export const kindTable = (sql: Sql): Fragment => sql`unnest(
    ${textArray(eventKinds)}::text[], ${textArray(eventKinds.map((kind) => endings[kind].endsAs))}::text[]
  ) as k (kind, ends_as)`
