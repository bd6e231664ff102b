// `orders place`, `cancel`, `get` … : reads the arguments, then lets the command work.

import { isLoopback, readAccess, warningOf } from '../client/access.ts'
import { goDirectly } from '../config/direct.ts'
import type { Env } from '../config/env.ts'
import { describe } from '../telemetry/log.ts'
import { commands, type CommandWord } from './commands.ts'
import { createDesk, type Desk } from './context.ts'
import { formOf, helpOf, parse, type Command } from './grammar.ts'
import { like } from './meant.ts'

/** `orders instruments set …` is a command of its own. */
const find = (name: string, args: readonly string[]): { name: string; command: Command; args: readonly string[] } => {
  const all: Readonly<Record<string, Command>> = commands
  const [word, ...rest] = args
  const inner = `${name} ${word}`
  if (Object.hasOwn(all, inner)) return { name: inner, command: all[inner]!, args: rest }
  return { name, command: all[name]!, args }
}

/** The commands of two words that may have been meant by the word behind this name. */
const innerLike = (name: string, [word = '']: readonly string[]): string[] => {
  const inner = Object.keys(commands).flatMap((other) =>
    other.startsWith(`${name} `) ? [other.slice(name.length + 1)] : [],
  )
  return like(word, inner).map((one) => `orders ${name} ${one}`)
}

/** Exit codes: 0 done, 1 refused by the service or failed, 2 bad arguments. */
export const operateCommand = async (
  first: CommandWord,
  env: Env,
  given: readonly string[],
  desk: Desk = createDesk(env),
): Promise<number> => {
  const { name, command, args } = find(first, given)
  const say = (text: string): void => desk.complain(`orders ${name}: ${text}\n`)
  const refuse = (faults: readonly string[]): number => {
    faults.forEach(say)
    const others = innerLike(name, args)
    if (others.length > 0) say(`did you mean ${others.join(' or ')}?`)
    desk.complain(`usage: ${formOf(name, command)}\n`)
    desk.complain(`orders ${name} --help says more\n`)
    return 2
  }
  const parsed = parse(command, args)
  if (typeof parsed === 'string') return refuse([parsed])
  const { values, words } = parsed
  if (values.help) {
    await desk.print(helpOf(name, command).trimEnd())
    return 0
  }
  const faults: string[] = []
  const access = readAccess(values, env, faults)
  const task = command.read(values, words, faults)
  if (faults.length > 0) return refuse(faults)
  const warning = warningOf(access.base, access.headers)
  if (warning !== null) say(warning)
  if (isLoopback(access.base)) goDirectly()
  try {
    return await task({ ...desk, access, json: values.json, say })
  } catch (error) {
    say(describe(error).error)
    return 1
  }
}
