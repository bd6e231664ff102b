// What the published contract says about each kind of event. A kind without a row here does not compile.

import type { EventKind } from '../../domain/events.ts'

type EventMessage = {
  /** The name of the channel and of the message; with a capital letter, the name of the schema. */
  name: string
  title: string
  summary: string
  /** The description of the message's value. */
  description: string
  channel: { title: string; description: string }
  /** The summary of the operation: what the service does by sending one. */
  operation: string
  example: { eventId: string; at: Date }
}

export const eventMessages = {
  PLACED: {
    name: 'orderPlaced',
    title: 'Order placed',
    summary: 'An order was accepted and committed.',
    description:
      'An order was accepted. The words of type and timeInForce are these for ever: a DAY order is published as GTC, and its end as a cancellation.',
    channel: { title: 'Placements', description: 'One event an accepted order.' },
    operation: 'Tells the engine of an accepted order.',
    example: { eventId: '019b7d0a-51ae-7000-8000-7b1fd3a1c001', at: new Date('2026-01-02T03:04:05.678Z') },
  },
  CANCELLED: {
    name: 'orderCancelled',
    title: 'Order cancelled',
    summary: 'The service ends what remains of an order.',
    description:
      'The service ends what remains of an order: it was canceled, or its time is over. Fills are kept. An order whose time is over stays open until the trades that were made before this event are applied.',
    channel: { title: 'Cancellations', description: 'One event a canceled order.' },
    operation: 'Tells the engine of a cancellation.',
    example: { eventId: '019b7d0a-52fc-7000-8000-7b1fd3a1c002', at: new Date('2026-01-02T03:04:06.012Z') },
  },
} as const satisfies Record<EventKind, EventMessage>
