// The programs that the benchmark needs and no package registry has.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Glob } from 'bun'

export type Tools = {
  wrk: string
  pgbench: string
  /** Null if no Postgres installation has it. */
  testFsync: string | null
}

/** Debian keeps the programs of each major version apart, and off the path. */
const debianHome = '/usr/lib/postgresql'

const ofPostgres = (name: string): string | null => {
  const found = existsSync(debianHome) ? [...new Glob(`*/bin/${name}`).scanSync(debianHome)] : []
  const newest = found.toSorted((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))[0]
  return newest === undefined ? Bun.which(name) : join(debianHome, newest)
}

/** The tools, or one sentence that says what is missing and which Debian packages bring it. */
export const findTools = (
  find: { wrk: string | null; pgbench: string | null } = { wrk: Bun.which('wrk'), pgbench: ofPostgres('pgbench') },
): Tools | string => {
  const { wrk, pgbench } = find
  if (wrk !== null && pgbench !== null) return { wrk, pgbench, testFsync: ofPostgres('pg_test_fsync') }
  const missing = [
    ...(wrk === null ? [{ name: 'wrk', debian: 'wrk' }] : []),
    // pgbench is in the server's package, not in the client's.
    ...(pgbench === null ? [{ name: 'pgbench', debian: 'postgresql' }] : []),
  ]
  const names = missing.map(({ name }) => name).join(' and ')
  const packages = missing.map(({ debian }) => debian).join(' ')
  return `bench needs ${names}, which ${missing.length === 1 ? 'is' : 'are'} not here (Debian: apt-get install ${packages}).`
}
