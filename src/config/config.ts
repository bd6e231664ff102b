// Reads the environment into one frozen object. One message lists every fault; none contains a value that may be secret. Each setting
// is in the table of its group, with its reader and its note.

import type { DatabaseTarget } from '../store/connection.ts'
import { accessFaults, authenticationSettings, limitSettings } from './accessSettings.ts'
import { databaseAddressNotes, databaseFaults, databaseSettings } from './databaseSettings.ts'
import { readDatabaseTarget } from './databaseUrl.ts'
import { quotesOf, type Env } from './env.ts'
import { expirySettings } from './expirySettings.ts'
import { fixFaults, fixSettings } from './fixSettings.ts'
import { grpcSettings } from './grpcSettings.ts'
import { kafkaSettings, outboxSettings, topicFaults, tradeSettings } from './kafkaSettings.ts'
import { requestSettings, serverFaults, serverSettings, shutdownSettings } from './serverSettings.ts'
import type { Setting, SettingNote, ValuesOf } from './setting.ts'
import { streamSettings } from './streamSettings.ts'
import { telemetrySettings } from './telemetrySettings.ts'
import { transportFaults, transportWarnings } from './transport.ts'

/** Every key except those of the database's address (databaseUrl.ts). */
export const settings = {
  ...serverSettings,
  ...fixSettings,
  ...grpcSettings,
  ...requestSettings,
  ...databaseSettings,
  ...kafkaSettings,
  ...tradeSettings,
  ...outboxSettings,
  ...expirySettings,
  ...streamSettings,
  ...authenticationSettings,
  ...limitSettings,
  ...telemetrySettings,
  ...shutdownSettings,
}

/** The groups of the handbook's page, in its order. The address of the database has notes only: databaseUrl.ts reads it. */
export const settingGroups = [
  { title: 'Database', settings: { ...databaseAddressNotes, ...databaseSettings } },
  { title: 'HTTP port', settings: serverSettings },
  { title: 'FIX port', settings: fixSettings },
  { title: 'gRPC port', settings: grpcSettings },
  { title: 'Requests', settings: requestSettings },
  { title: 'Kafka', settings: kafkaSettings },
  { title: 'Trades', settings: tradeSettings },
  { title: 'Outbox and relay', settings: outboxSettings },
  { title: 'Session and expiry', settings: expirySettings },
  { title: 'Streams and polling', settings: streamSettings },
  { title: 'Authentication', settings: authenticationSettings },
  { title: 'Limits', settings: limitSettings },
  { title: 'Log and traces', settings: telemetrySettings },
  { title: 'Shutdown', settings: shutdownSettings },
] as const satisfies readonly { title: string; settings: Readonly<Record<string, SettingNote | Setting<unknown>>> }[]

type Settings = ValuesOf<typeof settings>

export type Config = Settings & {
  readonly database: DatabaseTarget
  /** Parameters of the database's address that have no effect, and settings that take effect but are not safe. */
  readonly warnings: readonly string[]
}

const readValues = (env: Env, faults: string[]): Settings => {
  const entries = Object.entries(settings).map(([key, { read }]) => [key, read(key, env, faults)])
  const values = Object.fromEntries(entries) as Settings
  faults.push(
    ...databaseFaults(values),
    ...topicFaults(values),
    ...accessFaults(values),
    ...serverFaults(values),
    ...fixFaults(values),
    ...transportFaults(values, faults),
  )
  return values
}

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: string[] }

const keys = [...Object.keys(databaseAddressNotes), ...Object.keys(settings)]

/** Reads the whole environment. A fault names the key and says what is allowed. */
export const readConfig = (env: Env): ConfigResult => {
  const faults: string[] = []
  const values = readValues(env, faults)
  const { target, warnings } = readDatabaseTarget(env, faults)
  const quotes = quotesOf(env, keys)
  // They may be what is wrong; a value that can be used with them stays in use.
  if (faults.length > 0 || target === null) return { ok: false, faults: [...faults, ...quotes] }
  const all = [...warnings, ...transportWarnings(values), ...quotes]
  return { ok: true, config: Object.freeze({ ...values, database: target, warnings: all }) }
}

export type SettingsResult = { ok: true; settings: Settings } | { ok: false; faults: string[] }

/** Everything except the database's address, for a command that needs no database. */
export const readSettings = (env: Env): SettingsResult => {
  const faults: string[] = []
  const values = readValues(env, faults)
  return faults.length > 0
    ? { ok: false, faults: [...faults, ...quotesOf(env, keys)] }
    : { ok: true, settings: Object.freeze(values) }
}
