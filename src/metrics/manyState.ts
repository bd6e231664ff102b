// The sweeps that are open, as metrics. Every replica reads them from the table, so all say the same.

import type { StateMetric } from './stateMetric.ts'

export const manyState: readonly StateMetric[] = [
  {
    name: 'orders_sweeps_open',
    type: 'gauge',
    help: 'Sweeps (cancels of many orders by a switch or a halt) that are not done, counted up to 1,000.',
    read: ({ background }) => background.switches.state().open,
  },
  {
    name: 'orders_sweeps_oldest_age_seconds',
    type: 'gauge',
    help: 'How long ago the oldest open sweep began.',
    read: ({ background }) => background.switches.state().oldestMs / 1000,
  },
]
