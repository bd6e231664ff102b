// `orders health`: asks the service on this host for its health. A container without shell and curl uses it as its check, so it imports
// nothing heavy.

import { goDirectly } from '../config/direct.ts'
import { variable, type Env } from '../config/env.ts'

const timeoutMs = 2_000

type Place = { scheme: 'http' | 'https'; host: string; port: string }

/** Where the routes for operators are. If they have a port of their own, it always speaks plain HTTP. */
const operatorsPlace = (env: Env): Place => {
  const port = variable(env, 'MANAGEMENT_PORT') ?? '0'
  if (Number(port) !== 0) return { scheme: 'http', host: variable(env, 'MANAGEMENT_HOST') ?? '127.0.0.1', port }
  const scheme = variable(env, 'SERVER_TLS_CERT_FILE') === undefined ? 'http' : 'https'
  return { scheme, host: variable(env, 'SERVER_HOST') ?? '0.0.0.0', port: variable(env, 'SERVER_PORT') ?? '8085' }
}

/** The host to connect to, if the service listens on this one. It may listen on a single address. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/**
 * The certificate is for the host name that clients use, not for the loopback address. Not verifying it is safe: the request goes to this
 * very host and carries nothing secret, and only a status comes back.
 */
const unverified = { rejectUnauthorized: false }

/** Exit codes: 0 if the answer was a success, else 1. Prints one line either way. */
export const healthCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const probe = args.includes('--ready') ? 'readiness' : 'liveness'
  const { scheme, host, port } = operatorsPlace(env)
  const url = `${scheme}://${reachable(host)}:${port}/actuator/health/${probe}`
  goDirectly()
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), tls: unverified })
    process.stdout.write(`${response.status} ${await response.text()}\n`)
    return response.ok ? 0 : 1
  } catch (error) {
    process.stdout.write(`no answer from ${url}: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
