// The compiled binary, as it is shipped: dist/orders; and the one with crash points, for tests that crash it at a chosen instant. `check`
// builds the first before the tests; a test that is run by hand after a change builds it anew.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildBinary } from '../../src/build/build.ts'
import { inRepo } from '../../src/build/repository.ts'

const folders = ['src', 'sql']
const files = ['package.json', 'bun.lock', 'tsconfig.json']

/** Milliseconds since 1970 of the last change to what a binary is made of. */
const newestInput = (): number => {
  const inside = folders.flatMap((folder) =>
    readdirSync(inRepo(folder), { recursive: true }).map((name) => join(folder, String(name))),
  )
  return Math.max(...[...folders, ...files, ...inside].map((path) => statSync(inRepo(path)).mtimeMs))
}

const buildIfStale = async (name: string, crashPoints: boolean): Promise<string> => {
  const outfile = inRepo('dist', name)
  if (!existsSync(outfile) || statSync(outfile).mtimeMs < newestInput()) await buildBinary({ outfile, crashPoints })
  return outfile
}

let shipped: Promise<string> | undefined
let crashing: Promise<string> | undefined

/** The path of the shipped binary; built at most once a run. */
export const binary = (): Promise<string> => (shipped ??= buildIfStale('orders', false))

/** The path of the binary that ORDERS_TEST_CRASH arms (src/app/crashPoint.ts); built at most once a run. */
export const crashingBinary = (): Promise<string> => (crashing ??= buildIfStale('orders-with-crash-points', true))
