// The service: all use cases, as every door calls them, over the batchers.

import type { Log } from '../telemetry/log.ts'
import { createAudit } from './audit.ts'
import { addLoads, createBatchers, type Batchers, type BatchersOptions } from './batchers.ts'
import { createExceptions, type ExceptionUseCases } from './exceptions.ts'
import { createFix, type FixUseCases } from './fix.ts'
import { createKeyFill } from './keyFill.ts'
import { createMany, type ManyParts, type ManyUseCases } from './many.ts'
import { createOrders, type OrderParts, type OrderUseCases } from './orders.ts'
import { createRejections } from './rejections.ts'
import { createRuleBook, type RuleBook } from './rules.ts'
import { createRuleUseCases, type RuleUseCases } from './ruleUseCases.ts'
import { usualRules, type NewOrderRules } from './submit.ts'

export type ServiceOptions = Omit<BatchersOptions, 'placing'> &
  Pick<OrderParts, 'accepting' | 'now' | 'newId' | 'expiresAt'> &
  Pick<ManyParts, 'onCanceled'> & {
    /** Absent: the usual ones. */
    rules?: NewOrderRules
    /** Absent: one of its own. */
    ruleBook?: RuleBook
    /** See Placing. */
    onRejected?: (code: string) => void
    /** The replica that takes sessions of FIX. Absent: there are none. */
    fixReplicaId?: string
    /** The audit writes there what administrators change. */
    log: Pick<Log, 'info'>
  }

export type Service = OrderUseCases &
  RuleUseCases &
  ManyUseCases &
  ExceptionUseCases &
  Pick<Batchers, 'drained' | 'close'> & {
    /** Requests that wait and requests in a transaction, those of sessions of FIX among them. */
    load: () => ReturnType<Batchers['load']> & ReturnType<ReturnType<typeof createMany>['load']>
    /** Null: there are no sessions of FIX. */
    fix: FixUseCases | null
  }

export const createService = ({
  accepting,
  log,
  newId,
  expiresAt,
  rules = usualRules,
  ruleBook: given,
  onRejected,
  fixReplicaId,
  ...options
}: ServiceOptions): Service => {
  const { features, rejectedPerMinuteMax, nowMs } = rules
  const { gets } = options.pools
  const ruleBook = given ?? createRuleBook({ db: gets, features })
  const placing = {
    rules: ruleBook,
    keyFill: createKeyFill(gets, nowMs),
    rejections: createRejections(rejectedPerMinuteMax, nowMs),
    ...(onRejected === undefined ? {} : { onRejected }),
  }
  const batchers = createBatchers({ ...options, placing })
  const parts = { batchers, lists: options.pools.pages, audit: createAudit(log) }
  const { load, drained, close, ...many } = createMany({ ...options, ...parts, newId })
  const fix =
    fixReplicaId === undefined
      ? null
      : createFix({ ...options, placing, accepting, newId, expiresAt, rules, replicaId: fixReplicaId })
  return {
    fix,
    ...createOrders({ ...parts, accepting, now: options.now, newId, expiresAt, rules }),
    ...createExceptions(parts),
    ...createRuleUseCases({ ...parts, ruleBook, now: options.now, newId }),
    ...many,
    load() {
      const loads = { ...batchers.load(), ...load() }
      if (fix === null) return loads
      const { places, cancels } = fix.load()
      return { ...loads, place: addLoads(loads.place, places), cancel: addLoads(loads.cancel, cancels) }
    },
    drained: () => Promise.all([batchers.drained(), drained(), fix?.drained()]),
    close() {
      batchers.close()
      close()
      fix?.close()
    },
  }
}
