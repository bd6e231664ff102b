// `orders watch`: shows the stream of orders, as a table that changes in place on a terminal, else as JSON lines.

import { isLoopback, warningOf } from '../client/access.ts'
import { goDirectly } from '../config/direct.ts'
import type { Env } from '../config/env.ts'
import { printLine } from '../telemetry/terminal.ts'
import { createBoard, type Board } from './board.ts'
import { OutputGone } from './connection.ts'
import { follow, type ConnectionState } from './follow.ts'
import { readOptions, usage, type WatchOptions } from './options.ts'
import type { News } from './reading.ts'
import { createScreen } from './screen.ts'
import { standOutMs, tableLines } from './table.ts'

/** What shows the news. */
type View = {
  onNews: (news: readonly News[]) => Promise<void>
  onState: (state: ConnectionState) => void
  /** Gives the terminal back. */
  close: () => void
}

const clock = (): number => performance.now()
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const say = (text: string): void => void process.stderr.write(`orders watch: ${text}\n`)

const missingText = ({ orderId, versions }: { orderId: string; versions: number }): string =>
  `${versions} versions of order ${orderId} did not come`

/** One JSON object a line; what is about the connection goes to standard error. */
const createLines = (place: string): View => ({
  async onNews(news) {
    const lines: string[] = []
    for (const one of news) {
      switch (one.kind) {
        case 'order':
        case 'event':
          lines.push(one.text)
          break
        case 'live':
          lines.push('{"live":true}')
          break
        case 'reset':
          lines.push(JSON.stringify({ reset: one.reason }))
          break
        case 'missing':
          say(missingText(one))
          break
      }
    }
    if (lines.length > 0) await printLine(lines.join('\n'))
  },
  onState(state) {
    if (state.kind === 'waiting') say(`${state.reason}; reconnecting to ${place} in ${seconds(state.ms)}`)
  },
  close: () => undefined,
})

const stateText = (state: ConnectionState): string => {
  switch (state.kind) {
    case 'connecting':
      return 'connecting'
    case 'snapshot':
      return 'reading the open orders'
    case 'live':
      return 'live'
    case 'waiting':
      return `reconnecting in ${seconds(state.ms)}: ${state.reason}`
  }
}

const createTable = (board: Board, place: string): View => {
  let state: ConnectionState = { kind: 'connecting' }
  let note = ''
  const footer = (): string => {
    const { open, ended, changes } = board.counts()
    return `${open} open, ${ended} ended, ${changes} changes | ${stateText(state)}${note} | ${place}`
  }
  const screen = createScreen(process.stdout, (size) =>
    tableLines({ rows: board.newest(), footer: footer(), size, nowMs: clock() }),
  )
  process.stdout.on('resize', () => screen.touch())
  // What stood out has to be drawn again once it no longer does.
  const calm = setInterval(() => screen.touch(), standOutMs)
  return {
    async onNews(news) {
      for (const one of news) {
        if (one.kind === 'missing') note = ` | ${missingText(one)}`
        if (one.kind === 'reset') note = ` | began anew: ${one.reason}`
      }
      screen.touch()
    },
    onState(next) {
      state = next
      screen.touch()
    },
    close() {
      clearInterval(calm)
      screen.close()
    },
  }
}

const watch = async (options: WatchOptions): Promise<number> => {
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopping.abort())
  const asTable = !options.json && process.stdout.isTTY
  const board = createBoard({ keepTexts: asTable })
  const view = asTable ? createTable(board, options.url.href) : createLines(options.url.href)
  process.on('exit', view.close)
  try {
    const { onNews, onState } = view
    const refusal = await follow({
      options,
      signal: stopping.signal,
      board,
      onNews,
      onState,
      random: Math.random,
      clock,
    })
    view.close()
    if (refusal !== null) say(refusal)
    return refusal === null ? 0 : 1
  } catch (error) {
    view.close()
    if (error instanceof OutputGone) return 0
    throw error
  }
}

/** Exit codes: 0 ended by a signal or because nobody reads the output any more, 1 refused by the service, 2 bad arguments. */
export const watchCommand = async (env: Env, args: readonly string[]): Promise<number> => {
  const options = readOptions(args, env)
  if (options === 'help') {
    await printLine(usage.trimEnd())
    return 0
  }
  if (Array.isArray(options)) {
    process.stderr.write(`${options.map((fault) => `orders watch: ${fault}\n`).join('')}${usage}`)
    return 2
  }
  const warning = warningOf(options.url, options.headers)
  if (warning !== null) say(warning)
  if (isLoopback(options.url)) goDirectly()
  return watch(options)
}
