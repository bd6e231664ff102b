// The dashboard's row of the rules of business.

import { of, rate, sum, type Row } from './panel.ts'

export const rules: Row = {
  title: 'Rules of business',
  panels: [
    {
      title: 'Orders refused, by rule',
      unit: 'ops',
      queries: [[sum(rate('orders_rejected_total'), 'code'), '{{code}}']],
    },
    {
      title: 'Halts',
      unit: 'short',
      queries: [
        [`max(${of('orders_trading_halted')})`, 'all trading'],
        [`max(${of('orders_trading_halted_tickers')})`, 'tickers'],
      ],
    },
    {
      title: 'Listed tickers',
      unit: 'short',
      queries: [[`max(${of('orders_instruments_listed')})`, 'listed']],
    },
    {
      title: 'Changes that a replica has not read',
      unit: 'short',
      queries: [[`max(${of('orders_rules_epoch')}) - min(${of('orders_rules_epoch')})`, 'behind']],
    },
  ],
}
