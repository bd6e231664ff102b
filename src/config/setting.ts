// A setting: how its variable is read, and what the handbook says about it (handbook/configuration.md is generated from these).

import type { Reader } from './readers.ts'

/** What the handbook says about one variable of the environment. */
export type SettingNote = {
  /** One or two short sentences in Markdown, within one line. */
  readonly note: string
  /** Its value may hold a password or a token. It is never printed: not in a fault, not in the log, not as a default in the handbook. */
  readonly secret?: true
}

export type Setting<T> = SettingNote & { readonly read: Reader<T> }

/** The values of a table of settings. */
export type ValuesOf<Table extends Readonly<Record<string, Setting<unknown>>>> = {
  readonly [Key in keyof Table]: ReturnType<Table[Key]['read']>
}

/** The ends of keys, with the unit that each stands for. */
const units = {
  _PER_SECOND: 'a second',
  _PER_MINUTE_MAX: 'a minute',
  _MS: 'ms',
  _SECONDS: 's',
  // SESSION_DAYS are names.
  _MAX_DAYS: 'days',
  _BYTES: 'bytes',
  _ORDERS: 'orders',
  _EVENTS: 'events',
  _MESSAGES: 'messages',
  _REQUESTS: 'requests',
  _CALLS: 'calls',
  _ROWS: 'rows',
  _TOKENS: 'tokens',
  _CONNECTIONS: 'connections',
  _PARTITIONS: 'partitions',
  _LANES: 'lanes',
  _BURST: 'requests',
} as const satisfies Readonly<Record<string, string>>

/** The unit of a key's number, or an empty text if its value has no unit: a name, a path, a switch, a port. */
export const unitOf = (key: string): string => Object.entries(units).find(([end]) => key.endsWith(end))?.[1] ?? ''
