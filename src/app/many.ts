// The use cases that cancel many orders, as every door calls them: at once (massCancel.ts), or unless they are put off in time (switches.ts).
// They decide whose orders a caller may cancel.

import type { Switch } from '../store/cancelAfter.ts'
import type { CancelScope } from '../store/covered.ts'
import type { Audit } from './audit.ts'
import { afterCommit, createBatcher, type Batcher, type BatchRefusal, type BatchReport } from './batcher.ts'
import type { BatchersOptions } from './batchers.ts'
import { causeOf, forbidden, isAdmin, owns, ownUser, type Call, type Forbidden } from './caller.ts'
import { createFoundLocked } from './foundLocked.ts'
import { createMassCancels, type MassCanceled } from './massCancel.ts'
import { armBatch, type ArmCommand, type ArmResult } from './switches.ts'

export type ManyUseCases = {
  /**
   * Cancels the open orders of a user, in a ticker, or both. Who is no administrator cancels its own only, whether it names itself or nobody;
   * FORBIDDEN: it names another user.
   */
  cancelMany: (call: Call, scope: CancelScope) => Promise<MassCanceled | Forbidden | BatchRefusal>
  /** Arms the switch of a user, or disarms it (0). FORBIDDEN: it is that of another user. */
  cancelAfter: (
    call: Call,
    command: { userId: string; timeoutMs: number },
  ) => Promise<{ ok: true; armed: Switch } | Forbidden | BatchRefusal>
}

export type ManyParts = Pick<
  BatchersOptions,
  'pools' | 'limits' | 'onCommitted' | 'onBug' | 'onRefused' | 'onBatch' | 'now'
> & {
  newId: (at: Date) => string
  /** Called with how many orders a mass cancel has canceled. */
  onCanceled?: (orders: number) => void
  audit: Audit
}

const createArmings = ({
  pools,
  limits,
  onCommitted,
  onBug,
  newId,
  now,
  ...options
}: ManyParts): Batcher<ArmCommand, ArmResult> => {
  const foundLocked = createFoundLocked()
  return createBatcher({
    ...limits,
    onBug,
    ...(options.onRefused !== undefined && { onRefused: options.onRefused }),
    onBatch: (batch: BatchReport) => options.onBatch?.('arm', batch),
    kind: 'write',
    run: (commands, { stored }) =>
      armBatch(pools.changes, commands, {
        newId: () => newId(now()),
        foundLocked,
        onCommitted: afterCommit(stored, onCommitted),
      }),
  })
}

export const createMany = (parts: ManyParts) => {
  const { pools, limits, audit } = parts
  const armings = createArmings(parts)
  const massCancels = createMassCancels({
    ...parts,
    reads: pools.pages,
    changes: pools.changes,
    deadlineMs: limits.deadlineMs,
  })

  const useCases: ManyUseCases = {
    async cancelMany(call, scope) {
      const { caller, traceparent } = call
      const userId = scope.userId ?? (isAdmin(caller) ? null : ownUser(caller))
      if (!isAdmin(caller) && (userId === null || !owns(caller, userId))) return forbidden
      audit(call, { operation: 'cancelOrders', ...scope })
      return massCancels.submit({
        scope: { ...scope, userId },
        cause: { ...causeOf(call), kind: 'mass-cancel' },
        traceparent,
      })
    },
    async cancelAfter(call, { userId, timeoutMs }) {
      if (!owns(call.caller, userId)) return forbidden
      audit(call, { operation: 'cancelAfter', userId, timeoutMs })
      return armings.submit({
        userId,
        timeoutMs,
        cause: { ...causeOf(call), kind: 'cancel-after' },
        lost: [],
      })
    },
  }
  return {
    ...useCases,
    load: () => ({ arm: armings.load() }),
    drained: (): Promise<unknown> => Promise.all([armings.drained(), massCancels.drained()]),
    close: (): void => armings.close(),
  }
}
