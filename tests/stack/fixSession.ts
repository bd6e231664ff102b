// The session of FIX that `up` offers where FIX_PORT is set and no file of sessions is: made once by the service's own command, so that a firm
// keeps its password over starts.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataDir } from './paths.ts'
import { runTool } from './server.ts'
import { serviceMain } from './service.ts'
import { StackError } from './stackError.ts'

const dir = join(dataDir, 'fix')
const file = join(dir, 'sessions.jsonl')
const passwordFile = join(dir, 'password')

/** The user of the second order that `up` proposes. */
const user = 'b0b00000-0000-4000-8000-000000000002'

export type DemoSession = { file: string; sender: string; target: string; password: string }

export const demoSession = async (): Promise<DemoSession> => {
  const names = { sender: 'DEMO', target: 'ORDERS' }
  if (!existsSync(file)) {
    const command = [process.execPath, serviceMain, 'fix-session', '--sender', names.sender, '--user', user]
    const { exitCode, output } = await runTool(command)
    const [password, row] = output.split('\n')
    if (exitCode !== 0 || password === undefined || row?.startsWith('{') !== true)
      throw new StackError('START_FAILED', `No session of FIX could be made: ${output}`)
    mkdirSync(dir, { recursive: true })
    writeFileSync(passwordFile, password, { mode: 0o600 })
    writeFileSync(file, `${row}\n`)
  }
  return { file, ...names, password: readFileSync(passwordFile, 'utf8') }
}
