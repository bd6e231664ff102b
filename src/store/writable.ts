// Finds the server, of several, that takes writes: the primary of a cluster, which is another server after a failover. Each new connection
// looks for the primary, starting with the last one, so that in quiet times the search costs one short login.

import { codeOf } from './faults.ts'

export type Server = { host: string; port: number }

/** No server takes writes now. The message gives the answer of each. */
class NoWritableServer extends Error {
  override name = 'NoWritableServer'
  readonly code = 'NO_WRITABLE_SERVER'
}

/** Whether the server takes writes; rejects if it does not answer. */
export type Ask = (server: Server) => Promise<boolean>

/** If several addresses of a host refuse, the error has no message of its own. */
const messageOf = (error: unknown): string =>
  (error instanceof Error && error.message) || codeOf(error) || String(error)

const nameOf = ({ host, port }: Server): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/**
 * Returns the first server, in their order, that takes writes. Only one search runs at a time, and all callers that ask meanwhile get its
 * answer: a cluster should never have two servers that take writes, but if it has, we must not write to them by turns.
 */
export const createChooser = (servers: readonly Server[], ask: Ask): (() => Promise<Server>) => {
  let order = servers
  let asking: Promise<Server> | null = null

  const choose = async (): Promise<Server> => {
    const answers: string[] = []
    for (const server of order) {
      try {
        if (await ask(server)) {
          order = [server, ...servers.filter((other) => other !== server)]
          return server
        }
        answers.push(`${nameOf(server)} takes no writes`)
      } catch (error) {
        answers.push(`${nameOf(server)}: ${messageOf(error)}`)
      }
    }
    throw new NoWritableServer(`none of the servers takes writes: ${answers.join('; ')}`)
  }

  return () =>
    (asking ??= choose().finally(() => {
      asking = null
    }))
}
