// Proves: every variable that is read has a note for the handbook, in the group where a reader looks for it; a setting that may
// contain a password says so and is never printed.

import { describe, expect, test } from 'bun:test'
import { readConfig, settingGroups, settings } from '../../src/config/config.ts'
import { databaseAddressNotes } from '../../src/config/databaseSettings.ts'
import { readDatabaseTarget } from '../../src/config/databaseUrl.ts'
import { unitOf, type SettingNote } from '../../src/config/setting.ts'

const notes: [string, SettingNote][] = settingGroups.flatMap(({ settings }) => Object.entries<SettingNote>(settings))

/** The names that reading the address asks the environment for. */
const namesRead = (env: Record<string, string>): string[] => {
  const names = new Set<string>()
  readDatabaseTarget(new Proxy(env, { get: (target, name) => (names.add(String(name)), target[String(name)]) }), [])
  return [...names]
}

test('the groups have every key once, and no other', () => {
  const keys = notes.map(([key]) => key)
  expect(keys.toSorted()).toEqual([...Object.keys(databaseAddressNotes), ...Object.keys(settings)].toSorted())
})

test('the address of the database is read from exactly the variables that have notes', () => {
  const spring = { SPRING_DATASOURCE_URL: 'jdbc:postgresql://db/orders' }
  const names = new Set([...namesRead({}), ...namesRead(spring)])
  expect([...names].toSorted()).toEqual(Object.keys(databaseAddressNotes).toSorted())
})

describe.each(notes)('%s', (key, { note, secret }) => {
  test('has one or two sentences within a line', () => {
    expect(note).toMatch(/^[A-Z`][^\n|]*\.$/)
  })

  test('is a secret if its name or its note says password, unless it is the path of a file', () => {
    const mayHold = /PASSWORD|HEADERS|(DATABASE|DATASOURCE)_URL/.test(key) && !key.endsWith('_FILE')
    expect(secret === true).toBe(mayHold)
  })
})

test('a secret is in no fault and no warning, whatever else is wrong', () => {
  const hidden = 'hunter2'
  for (const [key] of notes.filter(([, { secret }]) => secret)) {
    const values = [
      hidden,
      `${hidden}\u0001`,
      `postgres://u:${hidden}@db:x/o`,
      `jdbc:postgresql://db/o?password=${hidden}&ssl=x`,
    ]
    for (const value of values) {
      const result = readConfig({ [key]: value })
      const messages = result.ok ? result.config.warnings : result.faults
      expect(messages.join('\n')).not.toContain(hidden)
    }
  }
})

test.each([
  ['REQUEST_DEADLINE_MS', 'ms'],
  ['AUTH_JWT_CLOCK_TOLERANCE_SECONDS', 's'],
  ['RATE_LIMIT_TOTAL_PER_SECOND', 'a second'],
  ['BODY_MAX_BYTES', 'bytes'],
  ['BATCH_BODY_MAX_BYTES', 'bytes'],
  ['RELAY_BATCH_MAX_EVENTS', 'events'],
  ['OUTBOX_MAX_ROWS', 'rows'],
  ['GTC_MAX_DAYS', 'days'],
  ['SESSION_DAYS', ''],
  ['KAFKA_BOOTSTRAP_SERVERS', ''],
  ['SERVER_PORT', ''],
])('the unit of %s is "%s"', (key, unit) => {
  expect(unitOf(key)).toBe(unit)
})
