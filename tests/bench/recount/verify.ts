// The binary's own `verify`: every order against its ledger and, where the database began empty, the topics against the tables.

import { runTool } from '../../stack/server.ts'
import type { Recount } from './recount.ts'

const listedMax = 3

/** Reads the last line, `N orders, N fills, N violations`; a run that did not finish is a fault. */
export const parseVerify = (exitCode: number, output: string): Recount => {
  const lines = output.trim().split('\n')
  const last = lines.findLast((line) => /^\d+ orders, \d+ fills, \d+ violations$/.test(line))
  if (last === undefined) return { ok: false, faults: [`verify did not finish: ${lines.at(-1)}`], facts: {} }
  const violations = Number(/(\d+) violations$/.exec(last)![1])
  if (exitCode === 0 && violations === 0) return { ok: true, faults: [], facts: { violations } }
  const details = lines.filter((line) => line !== last).slice(0, listedMax)
  return { ok: false, faults: [`verify: ${last}: ${details.join('; ')}`], facts: { violations } }
}

/** Loaded orders were never published, so with them only the tables can be asked about. */
export const verify = async (
  binary: string,
  env: Record<string, string>,
  { topics }: { topics: boolean },
): Promise<Recount> => {
  const { exitCode, output } = await runTool([binary, 'verify', ...(topics ? ['--topics'] : [])], { env })
  return parseVerify(exitCode, output)
}
