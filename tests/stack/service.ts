// The order service and the reference engine as processes of their own, from source, as an operator would start them: they are
// configured through the environment only.

import { join } from 'node:path'
import { inRepo } from '../../src/build/repository.ts'
import { logDir } from './paths.ts'
import { startServer, type Server } from './server.ts'

type Child = {
  env: Record<string, string>
  /** Log lines to the terminal instead of to a file. */
  verbose: boolean
}

export const serviceMain = inRepo('src', 'main.ts')
export const engineMain = inRepo('tests', 'engine', 'main.ts')

/** Ready means that it serves requests; it migrates the database before that. */
export const startService = ({ port, env, verbose }: Child & { port: number }): Promise<Server> => {
  return startServer({
    name: 'the service',
    command: [process.execPath, serviceMain, 'serve'],
    env: { ...env, SERVER_PORT: `${port}` },
    output: verbose ? 'inherit' : { file: join(logDir, 'service.log') },
    askToStop: 'SIGTERM',
    stopLimitMs: 60_000,
    readyLimitMs: 60_000,
    isReady: async () => (await fetch(`http://127.0.0.1:${port}/actuator/health/readiness`)).ok,
  })
}

/** The engine answers no requests: it is ready when it runs, and its end is noticed. */
export const startEngine = ({ env, verbose }: Child): Promise<Server> => {
  return startServer({
    name: 'the engine',
    command: [process.execPath, engineMain],
    env,
    output: verbose ? 'inherit' : { file: join(logDir, 'engine.log') },
    askToStop: 'SIGTERM',
    stopLimitMs: 30_000,
    readyLimitMs: 30_000,
    isReady: async () => true,
  })
}
