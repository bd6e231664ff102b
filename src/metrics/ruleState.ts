// The rules of business as this replica knows them, as metrics.

import type { StateMetric } from './stateMetric.ts'

export const ruleState: readonly StateMetric[] = [
  {
    name: 'orders_rules_epoch',
    type: 'gauge',
    help: 'The epoch of the rules that this replica read last; each change raises it. Replicas look each second while orders come in (else every 5 s), and the gate tells them at once.',
    read: ({ ruleBook }) => ruleBook.state().epoch,
  },
  {
    name: 'orders_trading_halted',
    type: 'gauge',
    help: 'Whether (1 or 0) all trading is halted: every new order is refused.',
    read: ({ ruleBook }) => Number(ruleBook.state().halted),
  },
  {
    name: 'orders_trading_halted_tickers',
    type: 'gauge',
    help: 'Tickers that are halted by themselves.',
    read: ({ ruleBook }) => ruleBook.state().haltedTickers,
  },
  {
    name: 'orders_instruments_listed',
    type: 'gauge',
    help: 'Tickers that are listed, with or without limits of their own.',
    read: ({ ruleBook }) => ruleBook.state().listedTickers,
  },
]
