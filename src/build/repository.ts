// The place of this checkout on disk, for the tests and for the programs that make a release.

import { join, resolve } from 'node:path'

export const repoDir = resolve(import.meta.dir, '..', '..')

/** The absolute path of a file of the repository. */
export const inRepo = (...parts: string[]): string => join(repoDir, ...parts)
