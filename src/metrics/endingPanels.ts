// The dashboard's row about the orders that the service ends by the clock.

import { of, rate, sum, type Row } from './panel.ts'

export const endings: Row = {
  title: 'Orders that end by the clock',
  panels: [
    {
      title: 'Told to the engine, by reason',
      unit: 'ops',
      queries: [[sum(rate('orders_endings_told_total'), 'reason'), '{{reason}}']],
    },
    {
      title: 'Ended, by status',
      unit: 'ops',
      queries: [[sum(rate('orders_endings_total'), 'status'), '{{status}}']],
    },
    {
      title: 'Waiting, by stage',
      unit: 'short',
      queries: [[`max by (stage) (${of('orders_endings_waiting')})`, '{{stage}}']],
    },
    {
      title: 'The oldest of them',
      unit: 's',
      queries: [[`max by (stage) (${of('orders_endings_waiting_seconds')})`, '{{stage}}']],
    },
  ],
}
