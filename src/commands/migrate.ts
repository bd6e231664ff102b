// `orders migrate`: brings the schema to this version, and nothing else.

import { readConfig } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { prepareSchema, printFaults, startLog } from '../serve/schemaStart.ts'
import { describe } from '../telemetry/log.ts'

/** Exit codes: 0 done or nothing to do, 1 refused or unreachable, 2 bad configuration. */
export const migrateCommand = async (env: Env): Promise<number> => {
  const result = readConfig(env)
  if (!result.ok) {
    printFaults(result.faults)
    return 2
  }
  const log = startLog(result.config)
  try {
    const applied = await prepareSchema(result.config, log, { migrating: true })
    log.info(applied.length === 0 ? 'the schema is up to date' : 'the schema was migrated', { applied })
    return 0
  } catch (error) {
    log.error('the schema was not migrated', describe(error))
    return 1
  }
}
