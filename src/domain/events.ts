// The kinds of events that this service publishes about an order. Each kind is a row here. Everything that differs between kinds derives
// from its row, or does not compile without an entry for it. (Events are named after their topics: hence CANCELLED here, and CANCELED for
// the status of an order.)

type EventRow = {
  /** If events of one ticker are read together, those of a lower rank are acknowledged before one of a higher rank is sent. */
  rank: number
  /** Its `type` as CloudEvents has it. */
  ceType: string
  /** The word of `orders verify` for such an event. */
  noun: string
  /** Whether it tells the engine that the order ends. Else it brings the order to the engine: each that an engine may execute has one. */
  ends: boolean
}

export const orderEvents = {
  PLACED: { rank: 0, ceType: 'order.placed.v1', noun: 'placement', ends: false },
  CANCELLED: { rank: 1, ceType: 'order.cancelled.v1', noun: 'cancellation', ends: true },
} as const satisfies Record<string, EventRow>

export type EventKind = keyof typeof orderEvents

/** All kinds, in the order in which events that are read together are sent. */
export const eventKinds = (Object.keys(orderEvents) as EventKind[]).toSorted(
  (a, b) => orderEvents[a].rank - orderEvents[b].rank,
) as readonly EventKind[] as readonly [EventKind, ...EventKind[]]

/** A value for each kind. */
export const forEachKind = <T>(valueOf: (kind: EventKind) => T): Record<EventKind, T> =>
  Object.fromEntries(eventKinds.map((kind) => [kind, valueOf(kind)])) as Record<EventKind, T>
