// What a command is given beside its arguments: the way to the service, and the person at the terminal.

import { createInterface } from 'node:readline/promises'
import { sleep } from '../app/sleep.ts'
import type { Access } from '../client/access.ts'
import { variable, type Env } from '../config/env.ts'
import { describe } from '../telemetry/log.ts'
import { printLine } from '../telemetry/terminal.ts'
import { painter, type Paint } from './paint.ts'

/** What repeating a request needs: a clock in ms, pauses, randomness from 0 to 1. */
type Pace = {
  clock: () => number
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
  random: () => number
}

/** Where a command runs: the person, the terminal, time and chance. */
export type Desk = {
  /** A line, or several, on standard output. */
  print: (text: string) => Promise<void>
  /** Text on standard error. */
  complain: (text: string) => void
  /** Whether "yes" was typed; null: there is nobody to ask. */
  ask: (question: string) => Promise<boolean | null>
  paint: Paint
  /** Columns of the terminal; null: the output is no terminal. */
  width: number | null
  /** Ctrl-C. */
  signal: AbortSignal
  pace: Pace
  newKey: () => string
}

export type Context = Omit<Desk, 'complain'> & {
  access: Access
  json: boolean
  /** One line on standard error, which names the command. */
  say: (text: string) => void
}

const askAtTerminal = async (question: string, signal: AbortSignal): Promise<boolean | null> => {
  if (!process.stdin.isTTY) return null
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Ctrl-C at the question is a no.
    lines.on('SIGINT', () => lines.close())
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
    const answer = await Promise.race([lines.question(`${question}; type yes: `, { signal }), closed])
    return answer.trim() === 'yes'
  } catch {
    return false
  } finally {
    lines.close()
  }
}

/** Whoever read the output may be gone: the command goes on, for it may be in the middle of something. */
const print = (text: string): Promise<void> =>
  printLine(text).catch((error: unknown) => {
    if (describe(error).errorCode !== 'EPIPE') throw error
  })

/** The desk of a command at a shell. */
export const createDesk = (env: Env): Desk => {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())
  const isTerminal = process.stdout.isTTY
  return {
    print,
    complain: (text) => void process.stderr.write(text),
    ask: (question) => askAtTerminal(question, stopping.signal),
    paint: painter(isTerminal && variable(env, 'NO_COLOR') === undefined),
    width: isTerminal ? process.stdout.columns || 80 : null,
    signal: stopping.signal,
    pace: { clock: () => performance.now(), sleep, random: Math.random },
    newKey: () => crypto.randomUUID(),
  }
}
