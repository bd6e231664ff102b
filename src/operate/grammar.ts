// The arguments of the commands that call a running service. Each command declares its flags once: how they are read, what the help says,
// and what the shell completes are made from it.

import { parseArgs } from 'node:util'
import { accessUsage } from '../client/access.ts'
import { describe } from '../telemetry/log.ts'
import type { Context } from './context.ts'
import { meant } from './meant.ts'

export type Flag = {
  /** `text`: one value. `list`: may be given several times. `switch`: has no value. */
  kind: 'text' | 'list' | 'switch'
  /** What stands for the value in the help. */
  value?: string
  about: string
  /** The values that the shell offers. */
  words?: readonly string[] | 'files'
}
export type Flags = Readonly<Record<string, Flag>>

export type Values<F extends Flags> = {
  [K in keyof F]: F[K]['kind'] extends 'switch' ? boolean : F[K]['kind'] extends 'list' ? string[] : string | undefined
}

/** Does the work. @returns the exit code: 0 done, 1 refused or failed, 2 bad usage */
type Task = (context: Context) => Promise<number>

type Definition<F extends Flags> = {
  /** What stands behind the name in the help, such as `[<ticker>]`. */
  form: string
  /** One line for the list of the commands. */
  about: string
  /** Lines of the help below the flags. */
  notes: string
  flags: F
  /** Words without a flag that the shell offers. */
  words?: readonly string[]
  /** Adds every fault of the arguments; the task is for arguments without one. `words`: the arguments without a flag. */
  read: (values: Values<F>, words: readonly string[], faults: string[]) => Task
}
export type Command = Omit<Definition<Flags>, 'read'> & {
  read: (values: Values<Flags>, words: readonly string[], faults: string[]) => Task
}

export const defineCommand = <const F extends Flags>(definition: Definition<F>): Command => ({
  ...definition,
  read: (values, words, faults) => definition.read(values as Values<F>, words, faults),
})

/** Those of every command. */
export const commonFlags = {
  json: { kind: 'switch', about: 'JSON on standard output, for programs' },
  url: { kind: 'text', value: 'url', about: 'the service' },
  'ca-file': { kind: 'text', value: 'path', about: 'its authority', words: 'files' },
  help: { kind: 'switch', about: 'this text' },
} as const satisfies Flags

type Parsed = { values: Values<Flags & typeof commonFlags>; words: string[] }

const parserOptions = (flags: Flags) =>
  Object.fromEntries(
    Object.entries(flags).map(([name, { kind }]) => [
      name,
      {
        type: kind === 'switch' ? ('boolean' as const) : ('string' as const),
        multiple: kind === 'list',
        ...(kind === 'switch' && { default: false }),
        ...(kind === 'list' && { default: [] as string[] }),
        ...(name === 'help' && { short: 'h' }),
      },
    ]),
  )

/** A flag that the command does not have, in Node's words. */
const unknownFlag = /^Unknown option '(-[^' ]*)/

/** The error of Node's parser as a sentence. */
const faultOf = (error: unknown, flags: Flags): string => {
  const text = describe(error).error
  const flag = unknownFlag.exec(text)?.[1]
  if (flag === undefined) return text
  return `there is no ${flag} here${meant(
    flag,
    Object.keys(flags).map((name) => `--${name}`),
  )}`
}

/** The flags and words of `args`, or a sentence that says what is wrong with them. */
export const parse = (command: Command, args: readonly string[]): Parsed | string => {
  const flags: Flags = { ...command.flags, ...commonFlags }
  try {
    const { values, positionals, tokens } = parseArgs({
      args: [...args],
      options: parserOptions(flags),
      allowPositionals: true,
      tokens: true,
    })
    const names = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []))
    const repeated = names.find((name, i) => flags[name]!.kind !== 'list' && names.indexOf(name) !== i)
    if (repeated !== undefined) return `--${repeated} is given twice`
    return { values: values as Parsed['values'], words: positionals }
  } catch (error) {
    return faultOf(error, flags)
  }
}

const flagText = (name: string, { value }: Flag): string => `--${name}${value === undefined ? '' : ` <${value}>`}`

/** What stands before and behind the name of a command. */
export const formOf = (name: string, { form }: Command): string => `orders ${name}${form === '' ? '' : ` ${form}`}`

/** The help of the command of this name. */
export const helpOf = (name: string, command: Command): string => {
  const { about, notes, flags } = command
  const rows = [
    ...Object.entries(flags).map(([flag, row]) => [flagText(flag, row), row.about] as const),
    ['--json', commonFlags.json.about] as const,
  ]
  const width = Math.max(26, ...rows.map(([text]) => text.length)) + 2
  const lines = rows.map(([text, what]) => `  ${text.padEnd(width)}${what}\n`)
  return `${formOf(name, command)}\n  ${about}\n${lines.join('')}${accessUsage}${notes}Exit codes: 0 done, 1 refused by the service or failed, 2 bad arguments.\n`
}
