// How the service ends an order by itself.

/** The status that an ending leads to, unless the order is filled first. */
export type Outcome = 'CANCELED' | 'EXPIRED'
