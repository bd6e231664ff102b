// The commands that call a running service, by their names.

import { cancelCommand } from './cancel.ts'
import { getCommand } from './get.ts'
import type { Command } from './grammar.ts'
import { listCommand } from './list.ts'
import { placeCommand } from './place.ts'
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
} as const satisfies Readonly<Record<string, Command>>

export type CommandName = keyof typeof commands
