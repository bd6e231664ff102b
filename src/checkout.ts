// What a checkout says about itself: the version in package.json and the commit of git. The build writes both into the binary, which
// never reads them; whoever runs from source reads them here.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const inCheckout = (...parts: string[]): string => join(import.meta.dir, '..', ...parts)

/** The version that the next release will have, such as `1.2.0`. */
export const readVersion = (): string =>
  (JSON.parse(readFileSync(inCheckout('package.json'), 'utf8')) as { version: string }).version

const git = (...args: string[]) => Bun.spawnSync(['git', '-C', inCheckout(), ...args], { stderr: 'ignore' })

/** Twelve digits of the commit, with `-dirty` if a source of the binary was changed since; `unknown` without git. */
export const readCommit = (): string => {
  if (!Bun.which('git')) return 'unknown'
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head.exitCode !== 0) return 'unknown'
  const changed = git('status', '--porcelain', '--', 'src', 'sql', 'package.json', 'bun.lock').stdout.length > 0
  return `${head.stdout.toString().trim()}${changed ? '-dirty' : ''}`
}
