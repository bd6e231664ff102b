// The closed loop: wrk keeps so many connections busy, each with its next request as soon as the last was answered.

import { join } from 'node:path'
import { runCommand } from './command.ts'

export type WrkResult = {
  requests: number
  /** Answers with a status above 399. */
  refused: number
  /** Connections and requests that got no answer. */
  broken: number
  seconds: number
  p50Ms: number
  p99Ms: number
  p999Ms: number
  cpuSeconds: number
}

export type WrkPlan = {
  wrk: string
  script: 'post.lua' | 'batch.lua' | 'get.lua'
  url: string
  connections: number
  seconds: number
  /** Arguments of the script. */
  args: readonly string[]
}

const scriptsDir = join(import.meta.dir, '..', 'scripts')
const threads = 2

/** The line that scripts/done.lua prints. */
export const parseWrk = (output: string): Omit<WrkResult, 'cpuSeconds'> => {
  const line = /^bench (\{.*\})$/m.exec(output)?.[1]
  if (line === undefined) throw new Error(`wrk did not end as expected:\n${output}`)
  const figures = JSON.parse(line) as Record<string, number>
  const ms = (name: string): number => figures[name]! / 1000
  return {
    requests: figures['requests']!,
    refused: figures['refused']!,
    broken: figures['connect']! + figures['read']! + figures['write']! + figures['timeout']!,
    seconds: figures['duration']! / 1e6,
    p50Ms: ms('p50'),
    p99Ms: ms('p99'),
    p999Ms: ms('p999'),
  }
}

export const runWrk = async ({ wrk, script, url, connections, seconds, args }: WrkPlan): Promise<WrkResult> => {
  const shape = ['-t', `${threads}`, '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '10s']
  const { output, cpuSeconds } = await runCommand([wrk, ...shape, '-s', join(scriptsDir, script), url, '--', ...args])
  return { ...parseWrk(output), cpuSeconds }
}
