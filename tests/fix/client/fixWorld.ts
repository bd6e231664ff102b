// The world of one test file whose clients are firms: the service with FIX, and a firm with the sessions of its file.

import { freePort } from '../../stack/ports.ts'
import { afterAll } from '../../support/explained.ts'
import type { RunningService } from '../../support/service.ts'
import { ownWorld, type World } from '../../support/world.ts'
import { createFirm, type Firm, type FirmSession } from './firm.ts'
import { sessionsFile, settingsFor, type SessionRow } from './sessions.ts'

export type FixWorld = {
  world: World
  service: RunningService
  port: number
  firm: Firm
  /** The session of this id, of the firm or of another. */
  session: (id: string, of?: Firm) => FirmSession
}

export const ownFixWorld = async (rows: readonly SessionRow[], env: Record<string, string> = {}): Promise<FixWorld> => {
  const port = await freePort()
  const own = await ownWorld({ env: { FIX_PORT: String(port), FIX_SESSIONS_FILE: await sessionsFile(rows), ...env } })
  const firm = createFirm()
  afterAll(() => firm[Symbol.asyncDispose]())
  return { ...own, port, firm, session: (id, of = firm) => of.session(id, settingsFor(id, port)) }
}
