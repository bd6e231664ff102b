// How a subcommand reaches a running service: its address and its authority as arguments, credentials through the environment alone,
// because arguments are shown to everybody on the host.

import { variable, type Env } from '../config/env.ts'
import { readCertificates } from '../config/files.ts'

export type Access = {
  /** Of the service; its path ends with a slash. */
  base: URL
  headers: Readonly<Record<string, string>>
  /** PEM; undefined: the authorities that everybody trusts. */
  ca: string | undefined
}

type AccessFlags = { url?: string | undefined; 'ca-file'?: string | undefined }

/** The lines of a help text that say how a service is reached. */
export const accessUsage = `  --url                       the service, default http://127.0.0.1:<SERVER_PORT, else 8085>
  --ca-file                   the authority of an https address, in PEM; default: those that everybody trusts
Environment: ORDERS_API_KEY or ORDERS_TOKEN is the credential (never an argument: everybody on the host can read those).
`

const baseOf = (flags: AccessFlags, env: Env, faults: string[]): URL => {
  const text = flags.url ?? `http://127.0.0.1:${variable(env, 'SERVER_PORT') ?? '8085'}`
  const base = URL.parse(text.endsWith('/') ? text : `${text}/`)
  const isWeb = base?.protocol === 'http:' || base?.protocol === 'https:'
  if (base === null || !isWeb || base.search !== '' || base.hash !== '' || base.username !== '' || base.password !== '')
    faults.push(`${flags.url === undefined ? 'SERVER_PORT' : '--url'} must give an address such as https://host:8085`)
  return base ?? new URL('http://127.0.0.1/')
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

/** Adds what is wrong to `faults`. */
export const readAccess = (flags: AccessFlags, env: Env, faults: string[]): Access => {
  const base = baseOf(flags, env, faults)
  const headers = headersOf(env, faults)
  const ca = caOf(flags['ca-file'], faults)
  if (ca !== undefined && base.protocol !== 'https:') faults.push('--ca-file has no effect without an https address')
  return { base, headers, ca }
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Whether this address is of this host. */
export const isLoopback = (url: URL): boolean => loopback.test(url.hostname)

/** A sentence for whoever sends a credential in the clear; null if nobody does. */
export const warningOf = (url: URL, headers: Access['headers']): string | null =>
  url.protocol === 'http:' && Object.keys(headers).length > 0 && !isLoopback(url)
    ? 'the credential crosses the network in the clear: use an https address'
    : null
