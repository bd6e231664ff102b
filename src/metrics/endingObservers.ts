// Counts the orders that the service ends by itself.

import type { Outcome } from '../domain/ending.ts'
import { createCounter } from './instruments.ts'

const reasons = ['EXPIRED_DAY', 'EXPIRED_GTD', 'EXPIRED_GTC', 'REMAINDER'] as const
const outcomes = ['EXPIRED', 'CANCELED'] as const satisfies readonly Outcome[]

export const createEndings = () => {
  const told = createCounter({
    name: 'orders_endings_told_total',
    help: 'Cancellations that the service wrote for the engine because an order ends by the clock, by reason.',
    labels: ['reason'],
  })
  const ended = createCounter({
    name: 'orders_endings_total',
    help: 'Orders that the service ended by the clock, by the status that they got. One that was filled meanwhile is not among them.',
    labels: ['status'],
  })
  for (const reason of reasons) told.of(reason)
  for (const outcome of outcomes) ended.of(outcome)
  return {
    onTold: (reason: string): void => told.of(reason).add(),
    onEnded: (outcome: Outcome): void => ended.of(outcome).add(),
    instruments: [told, ended],
  }
}
