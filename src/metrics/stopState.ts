// The state of stops as metrics.

import type { StateMetric } from './stateMetric.ts'

export const stopState: readonly StateMetric[] = [
  {
    name: 'orders_stops_waiting',
    type: 'gauge',
    help: 'Stops that wait for their price, counted up to 10,000 every 10 s.',
    read: ({ background }) => background.stops.state().waiting,
  },
  {
    name: 'orders_replicas_without_stops',
    type: 'gauge',
    help: 'Replicas of a version before 1.4 that were alive in the last minute: trades that they read trigger no stops.',
    read: ({ background }) => background.stops.state().oldReplicas,
  },
]
