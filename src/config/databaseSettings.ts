// Settings of the connections to Postgres, and the notes about its address, which databaseUrl.ts reads.

import { effectiveParameters } from './databaseParameters.ts'
import { flag, int, ms } from './readers.ts'
import type { Setting, SettingNote } from './setting.ts'

const parameters = effectiveParameters.map((name) => `\`${name}\``).join(', ')

/** The variables of the address. databaseUrl.ts reads all of them into one value; none has a default. */
export const databaseAddressNotes = {
  DATABASE_URL: {
    note: '`postgres://user:password@host:port/database`; several servers as `host:port,host:port`. It wins over the three `SPRING_` keys.',
    secret: true,
  },
  SPRING_DATASOURCE_URL: {
    note: `\`jdbc:postgresql://host:port/database\`. Parameters that are honoured, here and in \`DATABASE_URL\`: ${parameters}. Another one is named in a warning, or stops the start where leaving it out would be less safe.`,
    secret: true,
  },
  SPRING_DATASOURCE_USERNAME: { note: 'The user for `SPRING_DATASOURCE_URL`.' },
  SPRING_DATASOURCE_PASSWORD: { note: 'The password for `SPRING_DATASOURCE_URL`.', secret: true },
  DATABASE_PASSWORD_FILE: { note: 'A file with the password. It wins over every other place of the password.' },
} as const satisfies Readonly<Record<string, SettingNote>>

export const databaseSettings = {
  DB_MIGRATE: {
    read: flag(true),
    note: '`false`: `serve` only checks the schema; run `orders migrate` first.',
  },
  DB_WRITE_CONNECTIONS: {
    read: int(6, 2, 64),
    note: 'Half of them are for placing, half for canceling. Lanes beyond that wait.',
  },
  DB_READ_CONNECTIONS: { read: int(8, 2, 64), note: 'Half of them are for gets, half for lists.' },
  DB_STREAM_CONNECTIONS: { read: int(10, 4, 64), note: 'Half of them are for the relay, half for trades and health.' },
  DB_EVENT_CONNECTIONS: {
    read: int(4, 2, 64),
    note: 'One is for the reader of the log, the others for streams and polls that catch up. Used only while somebody follows.',
  },
  DB_CONNECT_TIMEOUT_MS: { read: ms(3_000, 100), note: 'A connection that is not there after this time is given up.' },
  DB_LOCK_TIMEOUT_MS: {
    read: ms(1_000, 10),
    note: 'How long a statement waits for a lock. It must be below `DB_STATEMENT_TIMEOUT_MS`.',
  },
  DB_STATEMENT_TIMEOUT_MS: {
    read: ms(3_000, 100),
    note: 'How long a statement may take. A connection that is silent for a second longer is given up.',
  },
} as const satisfies Readonly<Record<string, Setting<unknown>>>

/** What must hold between these settings. */
export const databaseFaults = (values: { DB_LOCK_TIMEOUT_MS: number; DB_STATEMENT_TIMEOUT_MS: number }): string[] =>
  values.DB_LOCK_TIMEOUT_MS >= values.DB_STATEMENT_TIMEOUT_MS
    ? ['DB_LOCK_TIMEOUT_MS must be below DB_STATEMENT_TIMEOUT_MS']
    : []
