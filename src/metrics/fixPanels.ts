// The dashboard's row about the FIX door.

import { of, rate, sum, type Row } from './panel.ts'

export const fix: Row = {
  title: 'FIX',
  panels: [
    {
      title: 'FIX: sessions and connections',
      unit: 'short',
      queries: [
        [sum(of('orders_fix_sessions'), 'instance'), '{{instance}} sessions'],
        [sum(of('orders_fix_connections'), 'instance'), '{{instance}} connections'],
      ],
    },
    {
      title: 'FIX: messages',
      unit: 'ops',
      queries: [[sum(rate('orders_fix_messages_total'), 'direction, type'), '{{direction}} {{type}}']],
    },
    {
      title: 'FIX: how late reports are',
      unit: 's',
      queries: [[of('orders_fix_reports_wait_seconds'), '{{instance}}']],
    },
    {
      title: 'FIX: bytes that clients have not read',
      unit: 'bytes',
      queries: [[of('orders_fix_unsent_bytes'), '{{instance}}']],
    },
    {
      title: 'FIX: connections that ended, in an hour',
      unit: 'short',
      queries: [[sum(`increase(${of('orders_fix_connection_ends_total')}[1h])`, 'reason'), '{{reason}}']],
    },
  ],
}
