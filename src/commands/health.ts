// Asks the service on this host how it is: the health check of a container that has no shell and no curl. Imports nothing heavy.

import { variable, type Env } from '../config/env.ts'

const timeoutMs = 2_000

type Place = { scheme: 'http' | 'https'; host: string; port: string }

/** Where the routes for operators are: they may have a port of their own, which is always in the clear. */
const listening = (env: Env): Place => {
  const port = variable(env, 'MANAGEMENT_PORT') ?? '0'
  if (Number(port) !== 0) return { scheme: 'http', host: variable(env, 'MANAGEMENT_HOST') ?? '127.0.0.1', port }
  const scheme = variable(env, 'SERVER_TLS_CERT_FILE') === undefined ? 'http' : 'https'
  return { scheme, host: variable(env, 'SERVER_HOST') ?? '0.0.0.0', port: variable(env, 'SERVER_PORT') ?? '8085' }
}

/** The address to ask at: the service may listen on one alone. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/**
 * The certificate names the host that clients know, not this one's loopback address, and may be renewed on disk a moment before
 * the service shows it. The question goes to this very host, carries nothing secret, and only a status comes back.
 */
const unverified = { rejectUnauthorized: false }

/** Exit code 0: the answer was 200. Prints one line either way. */
export const healthCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const probe = args.includes('--ready') ? 'readiness' : 'liveness'
  const { scheme, host, port } = listening(env)
  const url = `${scheme}://${reachable(host)}:${port}/actuator/health/${probe}`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), tls: unverified })
    process.stdout.write(`${response.status} ${await response.text()}\n`)
    return response.ok ? 0 : 1
  } catch (error) {
    process.stdout.write(`no answer from ${url}: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
