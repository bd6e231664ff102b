// Logs what administrators change, through whichever door: who, with which credential, and the id of what they change.

import type { CancelScope } from '../store/covered.ts'
import type { RulesChangeKind } from '../store/rules.ts'
import type { Log } from '../telemetry/log.ts'
import { everybody, isAdmin, type Call } from './caller.ts'

type Change =
  | { operation: 'cancelOrder' | 'deleteOrder'; orderId: string }
  | { operation: 'voidKey'; userId: string; clientOrderId: string }
  | ({ operation: 'cancelOrders' } & CancelScope)
  | { operation: 'cancelAfter'; userId: string; timeoutMs: number }
  | { operation: 'resolveException' | 'resolveReportException'; exceptionId: string }
  /** `ticker`: empty for all of them. */
  | { operation: 'changeRules'; what: RulesChangeKind; ticker: string }

export type Audit = (call: Call, change: Change) => void

/**
 * Writes a line before the change is tried, so that no change is missing from the log, whatever becomes of it. If callers need not identify
 * themselves, there is nobody to name, and it writes nothing.
 */
export const createAudit =
  (log: Pick<Log, 'info'>): Audit =>
  ({ caller, requestId }, change) => {
    if (caller === null || caller === everybody || !isAdmin(caller)) return
    const { subject, credential } = caller
    log.info('an administrator changes something', { requestId, ...change, subject, credential })
  }
