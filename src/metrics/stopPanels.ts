// The dashboard's row of stops.

import { of, quantiles, rate, sum, type Row } from './panel.ts'

export const stops: Row = {
  title: 'Stops',
  panels: [
    {
      title: 'Waiting and triggered',
      unit: 'short',
      queries: [
        [`max(${of('orders_stops_waiting')})`, 'wait'],
        [sum(rate('orders_stops_triggered_total')), 'triggered a second'],
        [`max(${of('orders_replicas_without_stops')})`, 'replicas of an older version'],
      ],
    },
    {
      title: 'From a trade’s timestamp to its stops’ triggers',
      unit: 's',
      queries: quantiles('orders_stops_trigger_duration_seconds'),
    },
  ],
}
