// The reference matching engine as a process beside the service, on the topics of a trial.

import { join } from 'node:path'
import { startServer } from '../../stack/server.ts'
import { engineMain } from '../../stack/service.ts'
import type { Bench } from '../bench.ts'
import type { Trial } from '../world/trial.ts'

export const startEngine = async ({ world }: Bench, trial: Trial): Promise<AsyncDisposable & { pid: number }> => {
  const server = await startServer({
    name: 'the engine',
    command: [process.execPath, engineMain],
    env: { ...trial.env, ENGINE_GROUP: `${trial.name}-engine` },
    output: { file: join(world.dir, 'engine.log') },
    askToStop: 'SIGTERM',
    stopLimitMs: 10_000,
    readyLimitMs: 10_000,
    isReady: async () => true,
  })
  return { pid: server.pid, [Symbol.asyncDispose]: () => server.stop() }
}
