// The leases of the sessions that are logged on here, renewed all at once. A lease that another replica took ends its conversation at once; a
// conversation that does not know yet can do no harm, because every statement says the epoch of its lease.

import type { FixUseCases } from '../../app/fix.ts'
import { sleep } from '../../app/sleep.ts'
import type { FixLease } from '../../store/fixSessions.ts'
import { describe, type Log } from '../../telemetry/log.ts'

export type Leases = {
  add: (lease: FixLease, onLost: () => void) => void
  remove: (lease: FixLease) => void
  run: (signal: AbortSignal) => Promise<void>
}

/** Three times in the life of a lease. */
const renewMs = 1_500

export const createLeases = (
  fix: Pick<FixUseCases, 'renewSessions'>,
  { log, onRenewed }: { log: Log; onRenewed: () => void },
): Leases => {
  const held = new Map<FixLease, () => void>()

  const renew = async (): Promise<void> => {
    const asked = [...held.keys()]
    const ours = asked.length === 0 ? new Set<string>() : await fix.renewSessions(asked)
    for (const lease of asked) if (!ours.has(lease.session)) held.get(lease)?.()
  }

  return {
    add: (lease, onLost) => void held.set(lease, onLost),
    remove: (lease) => void held.delete(lease),
    async run(signal) {
      while (!signal.aborted) {
        await sleep(renewMs, signal)
        await renew().catch((error: unknown) =>
          log.rarely('warn', 'fix leases', 'the leases of FIX sessions could not be renewed', describe(error)),
        )
        onRenewed()
      }
    },
  }
}
