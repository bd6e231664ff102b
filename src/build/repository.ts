// Where this checkout lies, for what makes a release of it and for the tests.

import { join, resolve } from 'node:path'

export const repoDir = resolve(import.meta.dir, '..', '..')

/** The absolute path of a file of the repository. */
export const inRepo = (...parts: string[]): string => join(repoDir, ...parts)
