// Several servers, one of which takes writes: the primary of a cluster, another one after a failover. Each new connection asks
// which it is, beginning with the one that was it last, so that in quiet times the question costs one short login.

import { codeOf } from './faults.ts'

export type Server = { host: string; port: number }

/** No server takes writes now. The message says what each answered. */
class NoWritableServer extends Error {
  override name = 'NoWritableServer'
  readonly code = 'NO_WRITABLE_SERVER'
}

/** True where the server takes writes; rejects where it does not answer. */
export type Ask = (server: Server) => Promise<boolean>

/** Where several addresses of a host refuse, the error has no message of its own. */
const wordsOf = (error: unknown): string => (error instanceof Error && error.message) || codeOf(error) || String(error)

const nameOf = ({ host, port }: Server): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/**
 * Answers the first server in their order that takes writes, one question at a time: two that do, which a cluster should never
 * have, must not both be written to by turns. Who asks while a question is under way gets its answer.
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
        answers.push(`${nameOf(server)} takes none`)
      } catch (error) {
        answers.push(`${nameOf(server)}: ${wordsOf(error)}`)
      }
    }
    throw new NoWritableServer(`none of the servers takes writes: ${answers.join('; ')}`)
  }

  return () =>
    (asking ??= choose().finally(() => {
      asking = null
    }))
}
