// `orders fix-session`: makes the password of a FIX session. It prints the password once and stores it nowhere; the service's file gets its hash.

import { parseArgs } from 'node:util'
import { parseSessions } from '../fix/sessionsFile.ts'
import { describe } from '../telemetry/log.ts'
import { printLine } from '../telemetry/terminal.ts'
import { hashOf, newSecret } from '../wire/secret.ts'

const usage = `orders fix-session --sender <CompID> --user <uuid>
  --sender    the counterparty's SenderCompID (49)
  --user      the user whose orders it places
  --target    the CompID by which it calls this service (56); ORDERS if it is left out
  --id        how the log and the database call the session: 1 to 40 of a-z 0-9 - (the sender if it is left out)
  --scopes    comma-separated; orders:read,orders:write if it is left out
  --reports   own (the orders that came through the session, the default) or all (of its user)
Prints the password, then the line for FIX_SESSIONS_FILE. Accounts, addresses, heartbeats and the like may be added to the line.
`

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      sender: { type: 'string' },
      user: { type: 'string' },
      target: { type: 'string', default: 'ORDERS' },
      id: { type: 'string' },
      scopes: { type: 'string', default: 'orders:read,orders:write' },
      reports: { type: 'string', default: 'own' },
      help: { type: 'boolean', default: false },
    },
  }).values

const fail = (fault: string): number => {
  process.stderr.write(`orders fix-session: ${fault}\n${usage}`)
  return 2
}

/** Exit codes: 0, or 2 for bad arguments. The two lines go to standard output, explanations to standard error. */
export const fixSessionCommand = async (args: readonly string[]): Promise<number> => {
  try {
    const { sender, user, target, id, scopes, reports, help } = parse(args)
    if (help) {
      await printLine(usage.trimEnd())
      return 0
    }
    if (sender === undefined || user === undefined) return fail('--sender and --user are required')
    const password = newSecret()
    const line = JSON.stringify({
      id: id ?? sender.toLowerCase(),
      sender,
      target,
      password: hashOf(password),
      user,
      scopes: scopes.split(',').map((scope) => scope.trim()),
      reports,
    })
    // The service's own reader checks the line.
    parseSessions(line)
    process.stderr.write('The password (it is shown once), and the line for FIX_SESSIONS_FILE:\n')
    await printLine(password)
    await printLine(line)
    return 0
  } catch (error) {
    return fail(describe(error).error)
  }
}
