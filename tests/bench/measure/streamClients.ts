// Clients of GET /orders/stream in a process of their own: they count what they get. Of the first one, which has no filter, also how old
// its events are when they come.

import { connect } from 'node:net'
import { hold, release } from '../../stack/guard.ts'
import { createHistogram } from './histogram.ts'

export type StreamClientsPlan = {
  port: number
  /** The query of each stream. */
  queries: readonly string[]
}

type StreamClientsResult = {
  /** Events of all streams, and of the first. */
  events: number
  firstEvents: number
  bytes: number
  /** From the event to its arrival at the first stream. */
  ageP50Ms: number
  ageP99Ms: number
  /** Streams that ended before their time. */
  lost: number
}

const liveMark = '\nevent: live\n'
const eventMark = '\nevent: order\n'
const opensAtATime = 50

const count = (text: string, mark: string): number => text.split(mark).length - 1

const runClients = async ({ port, queries }: StreamClientsPlan): Promise<void> => {
  const ages = createHistogram()
  const result = { events: 0, firstEvents: 0, bytes: 0, lost: 0 }
  let isEnding = false

  const follow = (query: string, isFirst: boolean): Promise<void> =>
    new Promise((resolve) => {
      let rest = ''
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`GET /orders/stream${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`),
      )
      socket.on('data', (bytes) => {
        // Whole blocks only: a mark, or an instant, may be cut in two.
        const all = rest + bytes.toString('latin1')
        const end = all.lastIndexOf('\n\n') + 1
        const text = all.slice(0, end)
        rest = all.slice(end)
        if (text.includes(liveMark)) resolve()
        const events = count(text, eventMark)
        result.events += events
        result.bytes += bytes.length
        if (isFirst) {
          result.firstEvents += events
          const now = Date.now()
          for (const [, at] of text.matchAll(/"at":"([^"]+)"/g)) ages.record((now - Date.parse(at!)) * 1000)
        }
      })
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (!isEnding) result.lost++
        resolve()
      })
    })
  for (let i = 0; i < queries.length; i += opensAtATime)
    await Promise.all(queries.slice(i, i + opensAtATime).map((query, n) => follow(query, i + n === 0)))
  process.on('SIGTERM', () => {
    isEnding = true
    const figures = { ...result, ageP50Ms: ages.percentileMs(0.5), ageP99Ms: ages.percentileMs(0.99) }
    process.stdout.write(`${JSON.stringify(figures satisfies StreamClientsResult)}\n`, () => process.exit(0))
  })
  process.stdout.write('live\n')
}

export type StreamClients = { stop: () => Promise<StreamClientsResult> }

/** Resolves when every stream has its snapshot. */
export const openStreamClients = async (plan: StreamClientsPlan): Promise<StreamClients> => {
  const command = [process.execPath, import.meta.path, JSON.stringify(plan)]
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit', detached: true })
  hold(child.pid, 'SIGKILL')
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  await lines.read()
  return {
    async stop() {
      child.kill('SIGTERM')
      let text = ''
      for (let part = await lines.read(); !part.done; part = await lines.read()) text += part.value
      await child.exited
      release(child.pid)
      return JSON.parse(text) as StreamClientsResult
    },
  }
}

if (import.meta.main) await runClients(JSON.parse(process.argv[2]!) as StreamClientsPlan)
