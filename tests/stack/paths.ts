// Every place on disk that the stack uses, named once. All of them are git-ignored.

import { join } from 'node:path'
import { repoDir } from '../../src/build/repository.ts'

export const dataDir = join(repoDir, '.data')
export const logDir = join(dataDir, 'log')
/** Survives `up --fresh`, so that the second start needs neither Maven nor a network. */
export const cacheDir = join(repoDir, 'node_modules', '.cache')
