// The command line of the harness.

import { parseArgs } from 'node:util'
import { StackError } from '../stack/stackError.ts'

export const help = `bun run chaos --cycles N --seed S [--minutes M] [--streams N] [--resume] [--short]

Two replicas of the compiled service under load, with a crash in every cycle; then an independent checker proves from the
clients' log, the topics, the tables and what stream clients saw that nothing was lost and nothing happened twice. Ends with
the line "N cycles, N orders, N violations"; the exit code is 1 if there was any.

  --cycles N   how many crashes (default 200; with --short 12)
  --minutes M  as many cycles as begin within this time, in place of --cycles
  --streams N  how many clients follow the orders (default 40)
  --seed S     which faults, to whom and when (default 1)
  --resume     go on after the last cycle of an earlier run, with its data and its log of what clients were told
  --short      twelve cycles in a folder of their own: what \`check\` runs`

/** `minutes`: null without a limit of time. */
export type Options = {
  cycles: number
  minutes: number | null
  streams: number
  seed: number
  resume: boolean
  short: boolean
}

const whole = (name: string, text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new StackError('USAGE', `${name} must be a whole number above 0\n\n${help}`)
}

const defaultCycles = (isShort: boolean): string => (isShort ? '12' : '200')

export const readOptions = (args: string[]): Options | 'help' => {
  const { values } = parseArgs({
    args,
    options: {
      cycles: { type: 'string' },
      minutes: { type: 'string' },
      streams: { type: 'string', default: '40' },
      seed: { type: 'string', default: '1' },
      resume: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const minutes = values.minutes === undefined ? null : whole('--minutes', values.minutes)
  return {
    cycles: whole('--cycles', values.cycles ?? (minutes === null ? defaultCycles(values.short) : '9999')),
    minutes,
    streams: values.streams === '0' ? 0 : whole('--streams', values.streams),
    seed: whole('--seed', values.seed),
    resume: values.resume,
    short: values.short,
  }
}
