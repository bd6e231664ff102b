// The dashboard's row about the streams to clients.

import { of, rate, sum, type Row } from './panel.ts'

export const streams: Row = {
  title: 'Streams',
  panels: [
    {
      title: 'Streams open',
      unit: 'short',
      queries: [
        [of('orders_streams_open'), '{{instance}}'],
        [sum(of('orders_tail_catching_up_streams')), 'reading from Postgres'],
        [sum(of('orders_streams_max')), 'at most'],
      ],
    },
    {
      title: 'Events given to streams',
      unit: 'ops',
      queries: [[sum(rate('orders_stream_events_total'), 'instance'), '{{instance}}']],
    },
    {
      title: 'How late the tail reads',
      unit: 's',
      queries: [
        [of('orders_tail_lag_seconds'), '{{instance}}'],
        [of('orders_tail_blocked'), '{{instance}} cannot read (1)'],
      ],
    },
    {
      title: 'Streams that ended or began anew, in an hour',
      unit: 'short',
      queries: [
        [sum(`increase(${of('orders_stream_ends_total')}[1h])`, 'reason'), 'ended: {{reason}}'],
        [sum(`increase(${of('orders_stream_resets_total')}[1h])`, 'reason'), 'anew: {{reason}}'],
        [
          sum(`increase(${of('orders_refusals_total', 'call=~"follow|events"')}[1h])`, 'call, code'),
          '{{call}} {{code}}',
        ],
      ],
    },
    {
      title: 'Ring of the tail',
      unit: 'bytes',
      queries: [
        [of('orders_tail_ring_bytes'), '{{instance}}'],
        [of('orders_tail_ring_events'), '{{instance}} events'],
      ],
    },
  ],
}
