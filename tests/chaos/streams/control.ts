// Starts the stream clients in their own process, and tells them when the load has stopped.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { hold, release } from '../../stack/guard.ts'
import { StackError } from '../../stack/stackError.ts'

/** `urls`: the replicas, which each client visits by turns. `ordersLog`: the log of those who place and cancel. */
export type Orders = {
  dir: string
  clients: number
  urls: readonly string[]
  ordersLog: string
  seed: number
}
export type Command =
  | ({ kind: 'start' } & Orders)
  | { kind: 'drain'; limitMs: number }
  | { kind: 'go on' }
  | { kind: 'stop' }
/** One for each command, in their order. `undrained`: how many did not come to the end. */
export type Reply = { kind: 'done'; undrained: number }

export type Streams = {
  /** Resolves when each client has seen all that there is, or the limit has passed; the number of those that have not. */
  drain: () => Promise<number>
  goOn: () => Promise<void>
  stop: () => Promise<void>
}

const drainLimitMs = 60_000

/** The folder of their logs in the folder of a run. */
export const streamDir = (runDir: string): string => join(runDir, 'streams')

export const startStreams = async (orders: Orders): Promise<Streams> => {
  mkdirSync(orders.dir, { recursive: true })
  const waiting: ((reply: Reply | null) => void)[] = []
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'main.ts')], {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    detached: true,
    ipc: (reply: Reply) => waiting.shift()?.(reply),
    onExit: () => waiting.splice(0).forEach((resolve) => resolve(null)),
  })
  hold(child.pid, 'SIGKILL')
  const tell = async (command: Command): Promise<Reply> => {
    const { promise, resolve } = Promise.withResolvers<Reply | null>()
    waiting.push(resolve)
    if (child.exitCode === null) child.send(command)
    else resolve(null)
    const reply = await promise
    if (reply === null) throw new StackError('START_FAILED', 'the stream clients ended by themselves')
    return reply
  }
  await tell({ kind: 'start', ...orders })
  return {
    drain: async () => (await tell({ kind: 'drain', limitMs: drainLimitMs })).undrained,
    goOn: async () => void (await tell({ kind: 'go on' })),
    async stop() {
      if (child.exitCode === null) await tell({ kind: 'stop' })
      child.kill('SIGKILL')
      await child.exited
      release(child.pid)
    },
  }
}
