// The dashboard's row of cancels of many orders.

import { of, quantiles, rate, sum, type Row } from './panel.ts'

export const many: Row = {
  title: 'Cancels of many orders',
  panels: [
    {
      title: 'Canceled, by reason',
      unit: 'ops',
      queries: [[sum(rate('orders_mass_canceled_total'), 'reason'), '{{reason}}']],
    },
    {
      title: 'Sweeps that are not done',
      unit: 'short',
      queries: [[`max(${of('orders_sweeps_open')})`, 'open']],
    },
    {
      title: 'The oldest of them',
      unit: 's',
      queries: [[`max(${of('orders_sweeps_oldest_age_seconds')})`, 'began']],
    },
    {
      title: 'From a switch’s deadline to its sweep',
      unit: 's',
      queries: quantiles('orders_cancel_after_late_seconds'),
    },
  ],
}
