// A second Postgres that follows the first by streaming replication, and can be promoted. Made by copying the folder of the first
// while it is stopped: the tool that copies a running one is not in the package of the binaries.

import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../stack/ports.ts'
import { startPostgres, type PostgresServer } from '../stack/postgres.ts'

/** Stops the primary while its folder is copied. */
export const startStandby = async (primary: PostgresServer, dataDir: string): Promise<PostgresServer> => {
  const { hostname, port, username, password } = new URL(primary.url)
  const own = await freePort()
  // Starting a server settles who owns the folder and where it lies.
  const empty = await startPostgres({ dataDir, port: own })
  await empty.stop()
  await primary.stop()
  for (const name of ['cluster', 'password']) {
    rmSync(join(empty.dataDir, name), { recursive: true })
    cpSync(join(primary.dataDir, name), join(empty.dataDir, name), { recursive: true })
  }
  writeFileSync(join(empty.dataDir, 'cluster', 'standby.signal'), '')
  await primary.restart()
  const follows = `host=${hostname} port=${port} user=${username} password=${password}`
  return startPostgres({ dataDir, port: own, settings: { primary_conninfo: follows } })
}
