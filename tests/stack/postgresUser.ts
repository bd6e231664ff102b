// Finds a user to run Postgres as when we are root, since Postgres refuses to run as root: wherever the checkout lies, and without
// touching the modes of folders that are not ours. Tried in this order:
//   1. a user namespace (`unshare`), in which root merely looks like another user: no account, files stay root's;
//   2. the system user `postgres`, created when absent: where namespaces are forbidden, as in most containers;
//   3. the same two with the binaries, then also the data, staged under /var/tmp: when neither reaches the checkout.

import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { StackError } from './stackError.ts'

export type PostgresPlace = {
  binDir: string
  dataDir: string
  /** A prefix of the command of every Postgres binary. */
  prefix: string[]
  user?: { uid: number; gid: number }
  note?: string
}

type RunAs = Pick<PostgresPlace, 'prefix' | 'user'>
type Place = Pick<PostgresPlace, 'binDir' | 'dataDir' | 'note'>

/** Root under another name: initdb wants the name to exist, so it is that of the first ordinary account. */
const userNamespace = (): RunAs | null => {
  if (!Bun.which('unshare')) return null
  const account = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => Number(line.split(':')[2]))
    .find((uid) => uid > 0)
  return account === undefined ? null : { prefix: ['unshare', '--user', `--map-user=${account}`, '--'] }
}

const idOf = (flag: '-u' | '-g'): number | null => {
  const { exitCode, stdout } = Bun.spawnSync(['id', flag, 'postgres'], { stderr: 'ignore' })
  return exitCode === 0 ? Number(stdout.toString()) : null
}

const systemUser = (): RunAs | null => {
  if (idOf('-u') === null) {
    Bun.spawnSync(['groupadd', '--system', 'postgres'], { stderr: 'ignore' })
    Bun.spawnSync(['useradd', '--system', '--gid', 'postgres', '--no-create-home', 'postgres'], { stderr: 'ignore' })
  }
  const [uid, gid] = [idOf('-u'), idOf('-g')]
  return uid === null || gid === null ? null : { prefix: [], user: { uid, gid } }
}

/** If another way wrote the data, its owner changes; the data is ours, so root may do that. */
const own = (dir: string, user: { uid: number; gid: number } | undefined): void => {
  const { uid, gid } = user ?? { uid: 0, gid: 0 }
  const cluster = join(dir, 'cluster')
  if (existsSync(cluster) && lstatSync(cluster).uid !== uid) Bun.spawnSync(['chown', '-R', `${uid}:${gid}`, cluster])
  chownSync(dir, uid, gid)
}

/** Tries it for real: the binary must run and the data folder must take a file. */
const reaches = ({ prefix, user }: RunAs, { binDir, dataDir }: Place): boolean => {
  own(dataDir, user)
  const script = '"$1" --version && touch "$2/.probe" && rm "$2/.probe"'
  const command = [...prefix, 'sh', '-c', script, 'sh', join(binDir, 'postgres'), dataDir]
  try {
    const { exitCode } = Bun.spawnSync(command, { stdout: 'ignore', stderr: 'ignore', cwd: '/', ...user })
    return exitCode === 0
  } catch {
    return false
  }
}

const firstThatWorks = (find: () => Place): PostgresPlace | null => {
  const place = find()
  for (const way of [userNamespace, systemUser]) {
    const runAs = way()
    if (runAs && reaches(runAs, place)) return { ...place, ...runAs }
  }
  return null
}

const refuse = (): never => {
  throw new StackError(
    'START_FAILED',
    'Postgres does not run as root, and neither a user namespace nor a system user `postgres` is to be had here: ' +
      'run this as an ordinary user, or give DATABASE_URL.',
  )
}

/** In a folder that everybody may write to, so what lies there is trusted only when it is root's own. */
const stageRoot = (): string => {
  mkdirSync(stageDir, { recursive: true, mode: 0o755 })
  const found = lstatSync(stageDir)
  if (found.isDirectory() && found.uid === 0) return stageDir
  throw new StackError('START_FAILED', `${stageDir} belongs to somebody else: remove it, or give DATABASE_URL.`)
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

const stageBinaries = (nativeDir: string): string => {
  const version = readFileSync(join(nativeDir, '..', 'package.json'), 'utf8')
  const native = join(stageRoot(), `native-${digest(version)}`)
  if (!existsSync(native)) {
    const copy = `${native}.${process.pid}`
    cpSync(nativeDir, copy, { recursive: true, verbatimSymlinks: true })
    renameSync(copy, native)
  }
  return join(native, 'bin')
}

export const findPostgresPlace = ({ nativeDir, dataDir }: { nativeDir: string; dataDir: string }): PostgresPlace => {
  const binDir = join(nativeDir, 'bin')
  mkdirSync(dataDir, { recursive: true })
  chmodSync(dataDir, 0o700)
  if (process.getuid?.() !== 0) return { binDir, dataDir, prefix: [] }
  return (
    firstThatWorks(() => ({ binDir, dataDir })) ??
    firstThatWorks(() => ({ binDir: stageBinaries(nativeDir), dataDir })) ??
    firstThatWorks(() => ({ binDir: stageBinaries(nativeDir), ...stageData(dataDir) })) ??
    refuse()
  )
}

const stagedDataDir = (dataDir: string): string => join(stageDir, `data-${digest(dataDir)}`)

/** Forgets the cluster of a data folder, also when it was staged elsewhere. */
export const removePostgresData = (dataDir: string): void => {
  for (const dir of [dataDir, stagedDataDir(dataDir)]) rmSync(dir, { recursive: true, force: true })
}

const stageData = (dataDir: string): { dataDir: string; note: string } => {
  const staged = stagedDataDir(dataDir)
  mkdirSync(join(stageRoot(), basename(staged)), { recursive: true, mode: 0o700 })
  return { dataDir: staged, note: `Postgres keeps its data in ${staged}: its user cannot reach ${dataDir}` }
}

const stageDir = '/var/tmp/orders-postgres'
