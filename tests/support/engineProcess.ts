// The reference matching engine as a process of its own, as an operator starts it: configured through its environment only.

import { inRepo } from '../../src/build/repository.ts'
import { hold, release } from '../stack/guard.ts'
import { until } from './until.ts'

export type EngineProcess = AsyncDisposable & {
  /** Its JSON lines so far, as text. */
  lines: string[]
  exited: Promise<number>
  /** SIGTERM; answers the exit code. */
  stop: () => Promise<number>
  kill: () => Promise<number>
}

const readLines = async (stream: ReadableStream<Uint8Array>, into: string[]): Promise<void> => {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const [last = '', ...whole] = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n').toReversed()
    into.push(...whole.toReversed())
    rest = last
  }
}

/** Resolves when the engine says that it has recovered. Without ENGINE_FEATURES it is an engine of the old kind. */
export const startEngine = async (env: Record<string, string>): Promise<EngineProcess> => {
  const child = Bun.spawn([process.execPath, inRepo('tests', 'engine', 'main.ts')], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  hold(child.pid, 'SIGKILL')
  const lines: string[] = []
  const end = (signal: NodeJS.Signals) => async (): Promise<number> => {
    child.kill(signal)
    const code = await child.exited
    release(child.pid)
    return code
  }
  void readLines(child.stdout, lines)
  await until(() => lines.some((line) => line.includes('"started"')), { what: 'the engine has started' })
  const kill = end('SIGKILL')
  return {
    lines,
    exited: child.exited,
    stop: end('SIGTERM'),
    kill,
    [Symbol.asyncDispose]: async () => void (await kill()),
  }
}
