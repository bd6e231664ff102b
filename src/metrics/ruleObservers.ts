// Counts the orders that a rule of business refuses.

import { createCounter } from './instruments.ts'

/** The codes of the rules, in the order in which they are judged. */
const codes = [
  'HALTED',
  'UNKNOWN_TICKER',
  'TICK_SIZE',
  'LOT_SIZE',
  'QUANTITY_LIMIT',
  'NOTIONAL_LIMIT',
  'PRICE_BAND',
  'NOT_SUPPORTED_BY_ENGINE',
] as const

export const createRules = () => {
  const rejected = createCounter({
    name: 'orders_rejected_total',
    help: 'Orders that a rule of business refused and that were stored as REJECTED, by the code of the rule.',
    labels: ['code'],
  })
  for (const code of codes) rejected.of(code)
  return { onRejected: (code: string): void => rejected.of(code).add(), instruments: [rejected] }
}
