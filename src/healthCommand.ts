// Asks the service on this host how it is: the health check of a container that has no shell and no curl. Imports nothing heavy.

import { given, type Env } from './env.ts'

const timeoutMs = 2_000

/** Host and port of the routes for operators, which may have their own. */
const listening = (env: Env): { host: string; port: string } => {
  const port = given(env, 'MANAGEMENT_PORT') ?? '0'
  return Number(port) === 0
    ? { host: given(env, 'SERVER_HOST') ?? '0.0.0.0', port: given(env, 'SERVER_PORT') ?? '8085' }
    : { host: given(env, 'MANAGEMENT_HOST') ?? '127.0.0.1', port }
}

/** The address to ask at: the service may listen on one alone. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

/** Exit code 0: the answer was 200. Prints one line either way. */
export const healthCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const probe = args.includes('--ready') ? 'readiness' : 'liveness'
  const { host, port } = listening(env)
  const url = `http://${reachable(host)}:${port}/actuator/health/${probe}`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    process.stdout.write(`${response.status} ${await response.text()}\n`)
    return response.ok ? 0 : 1
  } catch (error) {
    process.stdout.write(`no answer from ${url}: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
