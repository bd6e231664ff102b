// Installs the packages of bun.lock into node_modules, before anything that needs them runs. It imports only what comes with bun.
// If neither the lock file nor a patch has changed since the last time it costs a few milliseconds.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const repoDir = resolve(import.meta.dir, '..', '..')
const stampFile = join(repoDir, 'node_modules', '.cache', 'installed')

type Manifest = { patchedDependencies: Record<string, string> }

/** Another bun, system or processor means other binary packages. The lock file has the names of patches, not what is in them. */
const stamp = (): string => {
  const { patchedDependencies } = JSON.parse(readFileSync(join(repoDir, 'package.json'), 'utf8')) as Manifest
  const hash = new Bun.CryptoHasher('sha256')
  for (const name of ['package.json', 'bun.lock', ...Object.values(patchedDependencies)])
    hash.update(readFileSync(join(repoDir, name)))
  return `${Bun.version} ${process.platform}-${process.arch} ${hash.digest('hex')}\n`
}

const main = (): number => {
  const wanted = stamp()
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return 0
  console.log('installing packages (bun install --frozen-lockfile)')
  const install = [process.execPath, 'install', '--frozen-lockfile', '--no-progress']
  const { exitCode } = Bun.spawnSync(install, { cwd: repoDir, stdout: 'ignore', stderr: 'inherit' })
  if (exitCode !== 0) {
    console.error('bun install failed (above): without the npm registry there is nothing to run.')
    return 1
  }
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, wanted)
  return 0
}

process.exit(main())
