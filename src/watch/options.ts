// What `orders watch` is asked for: filters and form as arguments, credentials through the environment alone, because arguments are shown
// to everybody on the host.

import { parseArgs } from 'node:util'
import { variable, type Env } from '../config/env.ts'
import { readCertificates } from '../config/files.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { canonicalTicker, tickerForm, uuidForm } from '../domain/patterns.ts'
import { describe } from '../telemetry/log.ts'

export type WatchOptions = {
  /** The stream with its filters. */
  url: URL
  headers: Readonly<Record<string, string>>
  /** PEM; undefined: the authorities that everybody trusts. */
  ca: string | undefined
  json: boolean
}

export const usage = `orders watch [--user <uuid>] [--ticker <ticker>] [--order <uuid>] [--json] [--url <url>] [--ca-file <path>]
  --user, --ticker, --order   which orders; without them all that the caller may see
  --json                      JSON lines instead of a table; always so where the output is no terminal
  --url                       the service, default http://127.0.0.1:<SERVER_PORT, else 8085>
  --ca-file                   the authority of an https address, in PEM; default: those that everybody trusts
Environment: ORDERS_API_KEY or ORDERS_TOKEN is the credential (never an argument: everybody on the host can read those).
It resumes by itself, also over restarts of the service. Ctrl-C ends it.
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

const urlOf = (flags: Flags, env: Env, faults: string[]): URL => {
  const text = flags.url ?? `http://127.0.0.1:${variable(env, 'SERVER_PORT') ?? '8085'}`
  const base = URL.parse(text.endsWith('/') ? text : `${text}/`)
  const isWeb = base?.protocol === 'http:' || base?.protocol === 'https:'
  if (base === null || !isWeb || base.search !== '' || base.hash !== '' || base.username !== '' || base.password !== '')
    faults.push(`${flags.url === undefined ? 'SERVER_PORT' : '--url'} must give an address such as https://host:8085`)
  const url = new URL(streamPath, base ?? 'http://127.0.0.1/')
  for (const { flag, parameter, canonical, rule } of filters) {
    const value = flags[flag]
    if (value === undefined) continue
    const exact = canonical(value)
    if (exact === null) faults.push(`--${flag} ${rule}`)
    else url.searchParams.set(parameter, exact)
  }
  return url
}

const headersOf = (env: Env, faults: string[]): Record<string, string> => {
  const [key, token] = [variable(env, 'ORDERS_API_KEY'), variable(env, 'ORDERS_TOKEN')]
  if (key !== undefined && token !== undefined) faults.push('ORDERS_API_KEY or ORDERS_TOKEN, not both')
  for (const [name, value] of Object.entries({ ORDERS_API_KEY: key, ORDERS_TOKEN: token }))
    if (value !== undefined && !/^[\x21-\x7e]+$/.test(value))
      faults.push(`${name} must be printable characters without spaces`)
  if (key !== undefined) return { 'x-api-key': key }
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

const caOf = (path: string | undefined, faults: string[]): string | undefined => {
  if (path === undefined) return undefined
  const file = readCertificates(path)
  if (!file.ok) faults.push(`--ca-file must be the path of certificates in PEM: ${file.reason}`)
  return file.ok ? file.text : undefined
}

/** What to follow, or `help`, or every fault of the arguments and the environment. */
export const readOptions = (args: readonly string[], env: Env): WatchOptions | 'help' | string[] => {
  try {
    const flags = parse(args)
    if (flags.help) return 'help'
    const faults: string[] = []
    const url = urlOf(flags, env, faults)
    const headers = headersOf(env, faults)
    const ca = caOf(flags['ca-file'], faults)
    if (ca !== undefined && url.protocol !== 'https:') faults.push('--ca-file has no effect without an https address')
    return faults.length > 0 ? faults : { url, headers, ca, json: flags.json }
  } catch (error) {
    return [describe(error).error]
  }
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** A sentence for whoever sends a credential in the clear; null if nobody does. */
export const warningOf = ({ url, headers }: WatchOptions): string | null =>
  url.protocol === 'http:' && Object.keys(headers).length > 0 && !loopback.test(url.hostname)
    ? 'the credential crosses the network in the clear: use an https address'
    : null
