// `orders adopt`: takes over the database of the Java service, and goes back.

import { readConfig } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { refusalOf } from '../kafka/refusal.ts'
import { printFaults } from '../serve/schemaStart.ts'
import { describe } from '../telemetry/log.ts'
import { createProgress, printLine } from '../telemetry/terminal.ts'
import { readOptions, usage } from './options.ts'
import { AdoptionRefused } from './refusal.ts'
import { takeOver } from './takeOver.ts'

/** Exit codes: 0 done, 1 refused, failed on the way (repeating it is safe), or verify found violations, 2 bad arguments or configuration. */
export const adoptCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const options = readOptions(args)
  if (typeof options === 'string') {
    process.stderr.write(`orders: ${options}\n${usage}`)
    return 2
  }
  const result = readConfig(env)
  if (!result.ok) {
    printFaults(result.faults)
    return 2
  }
  const progress = createProgress(process.stderr)
  const print = async (line: string): Promise<void> => {
    progress.clear()
    await printLine(line)
  }
  try {
    return (await takeOver(result.config, options, { progress, print })) ? 0 : 1
  } catch (error) {
    progress.clear()
    const reason = error instanceof AdoptionRefused ? error.message : (refusalOf(error) ?? describe(error).error)
    process.stderr.write(`orders: not taken over: ${reason}\n`)
    return 1
  }
}
