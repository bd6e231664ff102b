// A load generator as a process: run to its end, with what it wrote and the processor time it took.

import { hold, release } from '../../stack/guard.ts'
import { StackError } from '../../stack/stackError.ts'

export type CommandResult = { output: string; cpuSeconds: number }

/** Fails with the end of its output when the exit code is not 0. */
export const runCommand = async (
  command: readonly string[],
  options: { env?: Record<string, string>; onLine?: (line: string) => unknown } = {},
): Promise<CommandResult> => {
  const child = Bun.spawn([...command], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...options.env },
    detached: true,
  })
  hold(child.pid, 'SIGKILL')
  const errors = new Response(child.stderr).text()
  const output = await readLines(child.stdout, options.onLine)
  const exitCode = await child.exited
  release(child.pid)
  const text = `${output}${await errors}`
  if (exitCode !== 0)
    throw new StackError('START_FAILED', `${command[0]} ended with ${exitCode}:\n${text.trim().slice(-2_000)}`)
  return { output: text, cpuSeconds: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6 }
}

const readLines = async (stream: ReadableStream<Uint8Array>, onLine?: (line: string) => unknown): Promise<string> => {
  const decoder = new TextDecoder()
  let all = ''
  let rest = ''
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true })
    all += text
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (onLine) lines.forEach(onLine)
  }
  return all
}
