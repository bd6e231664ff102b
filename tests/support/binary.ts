// The compiled binary, as it is shipped: dist/orders. `check` builds it before the tests; whoever runs a test by hand after a
// change gets a fresh one.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildBinary } from '../../src/build/build.ts'
import { inRepo } from '../../src/build/repository.ts'

const outfile = inRepo('dist', 'orders')
const inputs = ['src', 'sql']

const newestInput = (): number =>
  Math.max(
    ...inputs.flatMap((dir) =>
      readdirSync(inRepo(dir), { recursive: true }).map((name) => statSync(join(inRepo(dir), String(name))).mtimeMs),
    ),
  )

let built: Promise<string> | null = null

const build = async (): Promise<string> => {
  if (!existsSync(outfile) || statSync(outfile).mtimeMs < newestInput()) await buildBinary({ outfile })
  return outfile
}

/** Its path; built at most once a run. */
export const binary = (): Promise<string> => (built ??= build())
