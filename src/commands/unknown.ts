// A subcommand that there is not: its refusal names those that there are.

import { commands } from '../operate/commands.ts'
import { meant } from '../operate/meant.ts'
import { otherCommands } from './completion.ts'

/** The first words of all subcommands, those of the operator first. */
const names = [...Object.keys(commands).filter((name) => !name.includes(' ')), ...Object.keys(otherCommands)]

/** @returns the exit code of bad arguments, 2 */
export const unknownCommand = (word: string): number => {
  const mending = meant(word, names)
  const others = mending === '' ? `\nThere are ${names.join(', ')}.` : ''
  process.stderr.write(`orders: no subcommand "${word}"${mending}${others}\norders --help says what each does\n`)
  return 2
}
