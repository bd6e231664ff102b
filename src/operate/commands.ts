// The commands that call a running service, by their names.

import { cancelCommand } from './cancel.ts'
import { exceptionsCommand, resolveCommand } from './exceptions.ts'
import { getCommand } from './get.ts'
import type { Command } from './grammar.ts'
import { changesCommand, instrumentsCommand } from './instruments.ts'
import { listCommand } from './list.ts'
import { placeCommand } from './place.ts'
import { defaultsCommand, delistCommand, setCommand } from './setLimits.ts'
import { statusCommand } from './status.ts'
import { haltCommand, resumeCommand } from './trading.ts'
import { voidCommand } from './void.ts'

export const commands = {
  place: placeCommand,
  cancel: cancelCommand,
  get: getCommand,
  list: listCommand,
  void: voidCommand,
  halt: haltCommand,
  resume: resumeCommand,
  instruments: instrumentsCommand,
  'instruments set': setCommand,
  'instruments defaults': defaultsCommand,
  'instruments delist': delistCommand,
  'instruments changes': changesCommand,
  exceptions: exceptionsCommand,
  'exceptions resolve': resolveCommand,
  status: statusCommand,
} as const satisfies Readonly<Record<string, Command>>

type CommandName = keyof typeof commands

/** The first words of their names. */
export type CommandWord = CommandName extends infer Name ? (Name extends `${string} ${string}` ? never : Name) : never
