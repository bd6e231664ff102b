// What administrators change is in the log, whichever door they come through: who, with which credential, and the id of what is changed.

import type { Log } from '../telemetry/log.ts'
import { everybody, isAdmin, type Call } from './caller.ts'

type Change = { operation: 'cancelOrder'; orderId: string } | { operation: 'resolveException'; exceptionId: string }

export type Audit = (call: Call, change: Change) => void

/**
 * Writes a line before the change is tried, so that none is missing whatever becomes of it. Where nobody has to say who it is there is
 * nobody to write down.
 */
export const createAudit =
  (log: Pick<Log, 'info'>): Audit =>
  ({ caller, requestId }, change) => {
    if (caller === null || caller === everybody || !isAdmin(caller)) return
    const { subject, credential } = caller
    log.info('an administrator changes something', { requestId, ...change, subject, credential })
  }
