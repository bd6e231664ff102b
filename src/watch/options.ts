// What `orders watch` is asked for: filters and form.

import { parseArgs } from 'node:util'
import { accessUsage, readAccess, type Access } from '../client/access.ts'
import type { Env } from '../config/env.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { canonicalTicker, tickerForm, uuidForm } from '../domain/patterns.ts'
import { describe } from '../telemetry/log.ts'

export type WatchOptions = Omit<Access, 'base'> & {
  /** The stream with its filters. */
  url: URL
  json: boolean
}

export const usage = `orders watch [--user <uuid>] [--ticker <ticker>] [--order <uuid>] [--json] [--url <url>] [--ca-file <path>]
  --user, --ticker, --order   which orders; without them all that the caller may see
  --json                      JSON lines instead of a table; always so where the output is no terminal
${accessUsage}It resumes by itself, also over restarts of the service. Ctrl-C ends it.
Lines: {"order":…} each open order at the beginning, {"live":true} after the last of them, then {"event":…,"order":…} each
change once, and {"reset":"<why>"} if changes may be missing: the open orders follow anew.
Exit codes: 0 ended by a signal or by its reader, 1 refused by the service, 2 bad arguments.
`

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      user: { type: 'string' },
      ticker: { type: 'string' },
      order: { type: 'string' },
      json: { type: 'boolean', default: false },
      url: { type: 'string' },
      'ca-file': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values
type Flags = ReturnType<typeof parse>

const filters = [
  { flag: 'user', parameter: 'userId', canonical: canonicalUuid, rule: uuidForm.rule },
  { flag: 'ticker', parameter: 'ticker', canonical: canonicalTicker, rule: tickerForm.rule },
  { flag: 'order', parameter: 'orderId', canonical: canonicalUuid, rule: uuidForm.rule },
] as const

const streamPath = 'orders/stream'

const urlOf = (base: URL, flags: Flags, faults: string[]): URL => {
  const url = new URL(streamPath, base)
  for (const { flag, parameter, canonical, rule } of filters) {
    const value = flags[flag]
    if (value === undefined) continue
    const exact = canonical(value)
    if (exact === null) faults.push(`--${flag} ${rule}`)
    else url.searchParams.set(parameter, exact)
  }
  return url
}

/** What to follow, or `help`, or every fault of the arguments and the environment. */
export const readOptions = (args: readonly string[], env: Env): WatchOptions | 'help' | string[] => {
  try {
    const flags = parse(args)
    if (flags.help) return 'help'
    const faults: string[] = []
    const { base, headers, ca } = readAccess(flags, env, faults)
    const url = urlOf(base, flags, faults)
    return faults.length > 0 ? faults : { url, headers, ca, json: flags.json }
  } catch (error) {
    return [describe(error).error]
  }
}
