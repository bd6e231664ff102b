// The headers of an order event. The sender writes them, the published schemas name them, and `orders verify` reads them.

export const eventHeaders = {
  /** The same whenever the event is published again. */
  eventId: 'eventId',
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  specVersion: 'ce_specversion',
  time: 'ce_time',
  contentType: 'content-type',
  traceparent: 'traceparent',
} as const

/** The values that are the same for all events. */
export const commonValues = { specVersion: '1.0', contentType: 'application/json' } as const

/** The `type`, as CloudEvents has it, of the messages of the log. */
export const logEventType = 'order.event.v1'
