// The dashboard's row about the engine's reports.

import { of, quantiles, rate, sum, type Row } from './panel.ts'

export const reports: Row = {
  title: 'Reports of the engine',
  panels: [
    {
      title: 'Reports by disposition',
      unit: 'ops',
      queries: [[sum(rate('orders_reports_total'), 'disposition'), '{{disposition}}']],
    },
    {
      title: 'Reports that wait for fills',
      unit: 'short',
      queries: [[`max(${of('orders_reports_waiting')})`, 'wait']],
    },
    {
      title: 'The oldest of them has waited',
      unit: 's',
      queries: [[`max(${of('orders_reports_waiting_seconds')})`, 'waited']],
    },
    {
      title: 'From a report’s timestamp to its row',
      unit: 's',
      queries: quantiles('orders_reports_apply_duration_seconds'),
    },
    {
      title: 'Behind',
      unit: 'short',
      queries: [[`max by (topic, partition) (${of('orders_reports_lag_messages')})`, '{{topic}} {{partition}}']],
    },
    {
      title: 'Standing still',
      unit: 's',
      queries: [[`max by (topic, partition) (${of('orders_reports_still_seconds')})`, '{{topic}} {{partition}}']],
    },
    {
      title: 'Exceptions and dead letters of reports',
      unit: 'short',
      queries: [
        [`max(${of('orders_report_exceptions_open')})`, 'exceptions open'],
        [sum(`increase(${of('orders_report_exceptions_total')}[1h])`, 'disposition'), '{{disposition}} in an hour'],
        [
          sum(`increase(${of('orders_report_dead_letters_total')}[1h])`, 'disposition'),
          'letters, {{disposition}}, in an hour',
        ],
        [sum(`increase(${of('orders_reports_deleted_unread_messages_total')}[1h])`), 'deleted unread in an hour'],
        [sum(of('orders_report_dead_letters_waiting')), 'letters that cannot be written'],
      ],
    },
    {
      title: 'Consumer of reports',
      unit: 'short',
      queries: [
        [sum(of('orders_reports_connected')), 'connected'],
        [sum(`increase(${of('orders_reports_consumer_rebuilds_total')}[1h])`), 'rebuilds in an hour'],
      ],
    },
  ],
}
