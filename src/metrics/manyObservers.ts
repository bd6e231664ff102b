// Counts the orders that are canceled by many at a time.

import { createCounter, createHistogram } from './instruments.ts'

const reasons = ['MASS_CANCELED', 'CANCEL_AFTER', 'HALT'] as const
/** Seconds. A switch has to fire within one. */
const lateBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300]

export const createMany = () => {
  const canceled = createCounter({
    name: 'orders_mass_canceled_total',
    help: 'Orders that were canceled by many at a time, by reason: a mass cancel, a switch that fired, a halt.',
    labels: ['reason'],
  })
  const late = createHistogram({
    name: 'orders_cancel_after_late_seconds',
    help: 'From the deadline of a switch (cancel-after) to the moment at which its sweep began, by the clock of the database.',
    buckets: lateBuckets,
  })
  for (const reason of reasons) canceled.of(reason)
  const fired = late.of()
  return {
    onCanceled: (reason: string, orders: number): void => canceled.of(reason).add(orders),
    onFired: (lateMs: number): void => fired.observe(lateMs / 1000),
    instruments: [canceled, late],
  }
}
