// The examples of the handbook's page about FIX, word for word, and what they need to run: a service with the session that `up` offers.

import { join } from 'node:path'
import { inRepo } from '../../../src/build/repository.ts'
import { freePort } from '../../stack/ports.ts'
import { runTool } from '../../stack/server.ts'
import { temporaryDir } from '../../support/servers.ts'
import { createWorld } from '../../support/world.ts'
import { secretOf, sessionRow, sessionsFile } from '../client/sessions.ts'

const page = inRepo('src', 'handbook', 'fix.md')

/** The one block of this language on the page. */
export const blockOf = async (language: string): Promise<string> => {
  const blocks = [...(await Bun.file(page).text()).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
  const found = blocks.filter(([, name]) => name === language)
  if (found.length !== 1) throw new Error(`the page has ${found.length} blocks of ${language}`)
  return found[0]![2]!
}

/** Runs the block as this file beside others; answers what it printed, and the orders that the service has then. */
export const runExample = async ({
  language,
  file,
  command,
}: {
  language: string
  file: string
  command: (path: string) => Promise<string[]> | string[]
}): Promise<{ exitCode: number; output: string; orders: Record<string, unknown>[] }> => {
  const port = await freePort()
  const sessions = await sessionsFile([sessionRow('demo')])
  await using world = await createWorld({ env: { FIX_PORT: String(port), FIX_SESSIONS_FILE: sessions } })
  const service = await world.start()
  const dir = temporaryDir('fix-example')
  const path = join(dir, file)
  await Bun.write(path, await blockOf(language))
  const env = { FIX_PORT: String(port), FIX_PASSWORD: secretOf('demo') }
  const run = await runTool(['sh', '-c', 'cd "$0" && exec "$@"', dir, ...(await command(path))], { env })
  const { json } = await service.http('/orders?ticker=AAPL')
  return { ...run, orders: json['orders'] as Record<string, unknown>[] }
}
