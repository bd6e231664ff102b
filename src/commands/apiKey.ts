// `orders api-key`: makes an API key. The key is printed once and kept nowhere; the file of the service gets its hash.

import { parseArgs } from 'node:util'
import { hashOf, keyIdPattern, keyText, newSecret } from '../http/gates/auth/apiKey.ts'
import { parseKeys } from '../http/gates/auth/apiKeys.ts'
import { describe } from '../telemetry/log.ts'
import { printLine } from '../telemetry/terminal.ts'

const usage = `orders api-key --subject <uuid> --scopes <orders:read,orders:write,orders:admin>
  --subject   the user whose orders the key opens; with orders:admin any name
  --scopes    comma-separated
  --id        how the log calls the key: 1 to 40 of a-z 0-9 - (made up where it is left out)
  --expires   such as 2027-01-02T03:04:05Z; without it the key does not end
Prints the key, then the line for AUTH_API_KEYS_FILE.
`

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      subject: { type: 'string' },
      scopes: { type: 'string' },
      id: { type: 'string' },
      expires: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  }).values

const madeUpId = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')

const fail = (fault: string): number => {
  process.stderr.write(`orders api-key: ${fault}\n${usage}`)
  return 2
}

type Line = { id: string; hash: string; subject: string; scopes: string[]; expires?: string }

const lineOf = (given: ReturnType<typeof parse>, secret: string): Line => ({
  id: given.id ?? madeUpId(),
  hash: hashOf(secret),
  subject: given.subject!,
  scopes: given.scopes!.split(',').map((scope) => scope.trim()),
  ...(given.expires === undefined ? {} : { expires: given.expires }),
})

/** Exit codes: 0, or 2 for arguments that make no key. The two lines go to standard output, words to standard error. */
export const apiKeyCommand = async (args: readonly string[]): Promise<number> => {
  try {
    const given = parse(args)
    if (given.help) {
      await printLine(usage.trimEnd())
      return 0
    }
    if (given.subject === undefined || given.scopes === undefined) return fail('--subject and --scopes are required')
    if (given.id !== undefined && !keyIdPattern.test(given.id)) return fail('--id must be 1 to 40 of a-z 0-9 -')
    const secret = newSecret()
    const line = lineOf(given, secret)
    // The service's own reader judges the line.
    parseKeys(JSON.stringify(line))
    process.stderr.write('The key (it is shown once), and the line for AUTH_API_KEYS_FILE:\n')
    await printLine(keyText({ id: line.id, secret }))
    await printLine(JSON.stringify(line))
    return 0
  } catch (error) {
    return fail(describe(error).error)
  }
}
