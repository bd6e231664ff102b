// The orders that the service is ending, as metrics. Every replica reads them from the tables, so all say the same.

import type { EndingsBacklog } from '../store/endings.ts'
import type { Sample } from './metric.ts'
import type { StateMetric } from './stateMetric.ts'

type Stage = keyof EndingsBacklog

const byStage =
  (value: (stage: EndingsBacklog[Stage]) => number): StateMetric['read'] =>
  ({ background }) => {
    const { backlog } = background.expiry.state()
    return (Object.keys(backlog) as Stage[]).map((stage): Sample => ({
      labels: { stage },
      value: value(backlog[stage]),
    }))
  }

const stages =
  'due (the engine has to be told), sending (the cancellation is in the outbox), settling (trades of until then are to be applied)'

export const endingState: readonly StateMetric[] = [
  {
    name: 'orders_endings_waiting',
    type: 'gauge',
    help: `Orders that the service is ending, by stage: ${stages}. They are counted every 5 s.`,
    labels: ['stage'],
    read: byStage(({ orders }) => orders),
  },
  {
    name: 'orders_endings_waiting_seconds',
    type: 'gauge',
    help: 'How long the oldest ending has been in its stage.',
    labels: ['stage'],
    read: byStage(({ oldestMs }) => oldestMs / 1000),
  },
]
