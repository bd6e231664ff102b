// Sessions of FIX for tests: the service's file of them, and the settings of a firm for each.

import { join } from 'node:path'
import { temporaryDir } from '../../support/servers.ts'

export type SessionRow = Readonly<Record<string, unknown>>

export const secretOf = (name: string): string => `the password of ${name}`
const hashOf = (secret: string): string => `sha256:${new Bun.CryptoHasher('sha256').update(secret).digest('hex')}`

const fixUser = '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'

/** A line of the file: the firm DESK, say, of the session `desk`, with all rights for one user. */
export const sessionRow = (id: string, more: SessionRow = {}): SessionRow => ({
  id,
  sender: id.toUpperCase(),
  target: 'ORDERS',
  password: hashOf(secretOf(id)),
  user: fixUser,
  scopes: ['orders:read', 'orders:write'],
  ...more,
})

/** The text of the file. */
export const sessionLines = (rows: readonly SessionRow[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')

/** Writes the file; answers its path. */
export const sessionsFile = async (rows: readonly SessionRow[]): Promise<string> => {
  const path = join(temporaryDir('fix-sessions'), 'sessions.jsonl')
  await Bun.write(path, sessionLines(rows))
  return path
}

/** What QuickFIX/J needs for this session at this port. */
export const settingsFor = (id: string, port: number): Record<string, string> => ({
  SenderCompID: id.toUpperCase(),
  TargetCompID: 'ORDERS',
  SocketConnectHost: '127.0.0.1',
  SocketConnectPort: String(port),
  Password: secretOf(id),
})
