// What cancels many orders beside the requests: the loop that fires switches, and the one that works sweeps off.

import { createSweeps, type Sweeps } from '../app/sweeps.ts'
import { createSwitches, type Switches } from '../app/switches.ts'
import type { Config } from '../config/config.ts'
import type { Observers } from '../metrics/observers.ts'
import type { Pool } from '../store/sql.ts'
import type { Log } from '../telemetry/log.ts'
import { openPool } from './service.ts'

type SweepsParts = {
  config: Config
  log: Log
  observers: Observers
  replicaId: string
  now: () => Date
  newId: (at: Date) => string
  /** Called after every commit that canceled orders. */
  onCommitted: () => void
}

type OpenSweeps = { sweeps: Sweeps; switches: Switches; pools: Record<'sweeps' | 'switches', Pool> }

export const openSweeps = ({ config, log, observers, replicaId, now, newId, onCommitted }: SweepsParts): OpenSweeps => {
  // A switch has to fire in time while a sweep waits for a lock: so each loop has a connection of its own.
  const pools = {
    sweeps: openPool(config, 'sweeps', observers),
    switches: openPool(config, 'switches', observers),
  }
  const clock = (): number => performance.now()
  const { onCanceled, onFired } = observers.many
  const sweeps = createSweeps({
    db: pools.sweeps,
    replicaId,
    newEventId: () => newId(now()),
    onCanceled,
    onCommitted,
    clock,
    now,
    log,
  })
  const switches = createSwitches({ db: pools.switches, onFired, onSweeps: sweeps.ring, clock, log })
  return { sweeps, switches, pools }
}
