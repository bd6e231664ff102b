// How far the keys of orders from before 1.5 are filled in, as metrics.

import type { StateMetric } from './stateMetric.ts'

export const keyState: readonly StateMetric[] = [
  {
    name: 'orders_key_fill_done',
    type: 'gauge',
    help: 'Whether (1 or 0) the keys of all orders from before 1.5 are in the table of keys. Once they are, they stay.',
    read: ({ background }) => (background.keyFilling.state().finished ? 1 : 0),
  },
  {
    name: 'orders_key_fill_orders',
    type: 'gauge',
    help: 'How many orders were looked through for their keys until then, by whichever replica.',
    read: ({ background }) => background.keyFilling.state().orders,
  },
]
