// The command line of the harness.

import { parseArgs } from 'node:util'
import { StackError } from '../stack/stackError.ts'

export const help = `bun run chaos --cycles N --seed S [--resume] [--short]

Two replicas of the compiled service under load, with a crash in every cycle; then an independent checker proves from the
clients' log, the topics and the tables that nothing was lost and nothing happened twice. Ends with the line
"N cycles, N orders, N violations"; the exit code is 1 if there was any.

  --cycles N   how many crashes (default 200; with --short 12)
  --seed S     which faults, to whom and when (default 1)
  --resume     go on after the last cycle of an earlier run, with its data and its log of what clients were told
  --short      twelve cycles in a folder of their own: what \`check\` runs`

export type Options = { cycles: number; seed: number; resume: boolean; short: boolean }

const whole = (name: string, text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new StackError('USAGE', `${name} must be a whole number above 0\n\n${help}`)
}

export const readOptions = (args: string[]): Options | 'help' => {
  const { values } = parseArgs({
    args,
    options: {
      cycles: { type: 'string' },
      seed: { type: 'string', default: '1' },
      resume: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    cycles: whole('--cycles', values.cycles ?? (values.short ? '12' : '200')),
    seed: whole('--seed', values.seed),
    resume: values.resume,
    short: values.short,
  }
}
