// The stream clients in a process of their own: what they read must not hold up the proxies, nor those who place and cancel.

import { randomStream, type Random } from '../../support/random.ts'
import { startClient, type Habits, type StreamClient } from './client.ts'
import type { Command, Orders, Reply } from './control.ts'
import { openStreamLog } from './streamLog.ts'

const flushMs = 500

/** Few follow everything, for each of them costs as much as hundreds of the others. */
const fixed: readonly Habits[] = [
  { kind: 'any', form: 'stream', slow: false },
  { kind: 'any', form: 'both', slow: false },
  { kind: 'any', form: 'poll', slow: false },
  { kind: 'any', form: 'stream', slow: true },
]

const habitsOf = (index: number, rng: Random): Habits =>
  fixed[index] ?? {
    kind: rng.weighted([
      [35, 'user'],
      [25, 'ticker'],
      [25, 'order'],
      [15, 'userAndTicker'],
    ] as const),
    form: rng.weighted([
      [65, 'stream'],
      [15, 'poll'],
      [20, 'both'],
    ] as const),
    slow: rng.chance(0.08),
  }

const startAll = ({ dir, clients, urls, ordersLog, seed }: Orders): StreamClient[] =>
  Array.from({ length: clients }, (_, index) => {
    const rng = randomStream(seed, 'stream client', index)
    const log = openStreamLog(dir, String(index).padStart(3, '0'))
    setInterval(log.flush, flushMs)
    return startClient({ habits: habitsOf(index, rng), urls, ordersLog, log, rng })
  })

let clients: StreamClient[] = []

const perform = async (command: Command): Promise<Reply> => {
  switch (command.kind) {
    case 'start':
      clients = startAll(command)
      return { kind: 'done', undrained: 0 }
    case 'drain': {
      const signal = AbortSignal.timeout(command.limitMs)
      const drained = await Promise.all(clients.map((client) => client.drain(signal)))
      return { kind: 'done', undrained: drained.filter((isDrained) => !isDrained).length }
    }
    case 'go on':
      for (const client of clients) client.goOn()
      return { kind: 'done', undrained: 0 }
    case 'stop':
      await Promise.all(clients.map((client) => client.stop()))
      return { kind: 'done', undrained: 0 }
  }
}

process.on('message', (command: Command) => {
  void perform(command).then((reply) => process.send!(reply))
})
// Where the harness is gone, nobody is left to follow for.
process.on('disconnect', () => process.exit(0))
