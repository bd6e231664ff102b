// The full check in a process of its own, which knows nothing but where the logs of the clients, the topics and the tables are. It also
// must not run beside the proxies: a check of minutes would be one more stall, which nobody counted.

import { runCommand } from '../../src/build/command.ts'
import { hold, release } from '../stack/guard.ts'
import { StackError } from '../stack/stackError.ts'
import { check, type Verdict } from './checker/check.ts'
import type { Rest } from './checker/evidence.ts'
import { readClientLog } from './clientLog.ts'
import { readFixLogs } from './fix/fixLog.ts'
import { openKafkaSide } from './kafkaSide.ts'
import { gather } from './rest.ts'
import { readStreamLogs } from './streams/streamLog.ts'
import { openTables } from './tables.ts'

type Case = { databaseUrl: string; bootstrap: string; logFile: string; streamDir: string; fixDir: string; rest: Rest }

const variable = 'CHAOS_CASE'

/** Reads everything there is, from the beginning, and judges it. */
export const judge = async (evidence: Case): Promise<Verdict> => {
  const child = Bun.spawn([process.execPath, import.meta.path], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
    detached: true,
    // Not an argument: the database's password is in it.
    env: { ...process.env, [variable]: JSON.stringify(evidence) },
  })
  hold(child.pid, 'SIGKILL')
  const [text, exitCode] = await Promise.all([new Response(child.stdout).text(), child.exited])
  release(child.pid)
  if (exitCode !== 0) throw new StackError('START_FAILED', `the checker ended with ${exitCode}`)
  return JSON.parse(text) as Verdict
}

const main = async (): Promise<number> => {
  const { databaseUrl, bootstrap, logFile, streamDir, fixDir, rest } = JSON.parse(process.env[variable] ?? '{}') as Case
  const tables = openTables(databaseUrl)
  const side = openKafkaSide(bootstrap)
  const logs = { log: readClientLog(logFile), streams: readStreamLogs(streamDir), fix: readFixLogs(fixDir) }
  const verdict = check(await gather({ tables, side }, logs, rest))
  await Bun.write(Bun.stdout, JSON.stringify(verdict))
  await Promise.all([tables.close(), side.close()])
  return 0
}

if (import.meta.main) await runCommand(main)
