// The service: all use cases, as every door calls them, over the batchers.

import type { Log } from '../telemetry/log.ts'
import { createAudit } from './audit.ts'
import { createBatchers, type Batchers, type BatchersOptions } from './batchers.ts'
import { createExceptions, type ExceptionUseCases } from './exceptions.ts'
import { createOrders, type OrderParts, type OrderUseCases } from './orders.ts'

export type ServiceOptions = BatchersOptions &
  Pick<OrderParts, 'accepting' | 'now' | 'newId' | 'expiresAt' | 'rules'> & {
    /** The audit writes there what administrators change. */
    log: Pick<Log, 'info'>
  }

export type Service = OrderUseCases & ExceptionUseCases & Pick<Batchers, 'load' | 'drained' | 'close'>

export const createService = ({ accepting, log, newId, expiresAt, rules, ...options }: ServiceOptions): Service => {
  const batchers = createBatchers(options)
  const { load, drained, close } = batchers
  const parts = { batchers, lists: options.pools.pages, audit: createAudit(log) }
  return {
    ...createOrders({ ...parts, accepting, now: options.now, newId, expiresAt, ...(rules !== undefined && { rules }) }),
    ...createExceptions(parts),
    load,
    drained,
    close,
  }
}
