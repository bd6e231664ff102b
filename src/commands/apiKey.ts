// `orders api-key`: makes an API key. It prints the key once and stores it nowhere; the service's file gets its hash.

import { parseArgs } from 'node:util'
import { keyIdPattern, keyText } from '../http/gates/auth/apiKey.ts'
import { parseKeys } from '../http/gates/auth/apiKeys.ts'
import { describe } from '../telemetry/log.ts'
import { printLine } from '../telemetry/terminal.ts'
import { hashOf, newSecret } from '../wire/secret.ts'

const usage = `orders api-key --subject <uuid> --scopes <orders:read,orders:write,orders:admin>
  --subject   the user whose orders the key opens; with orders:admin any name
  --scopes    comma-separated
  --id        how the log calls the key: 1 to 40 of a-z 0-9 - (made up if it is left out)
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

const randomId = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')

const fail = (fault: string): number => {
  process.stderr.write(`orders api-key: ${fault}\n${usage}`)
  return 2
}

type Line = { id: string; hash: string; subject: string; scopes: string[]; expires?: string }

const lineOf = (options: ReturnType<typeof parse>, secret: string): Line => ({
  id: options.id ?? randomId(),
  hash: hashOf(secret),
  subject: options.subject!,
  scopes: options.scopes!.split(',').map((scope) => scope.trim()),
  ...(options.expires === undefined ? {} : { expires: options.expires }),
})

/** Exit codes: 0, or 2 for bad arguments. The two lines go to standard output, explanations to standard error. */
export const apiKeyCommand = async (args: readonly string[]): Promise<number> => {
  try {
    const options = parse(args)
    if (options.help) {
      await printLine(usage.trimEnd())
      return 0
    }
    if (options.subject === undefined || options.scopes === undefined)
      return fail('--subject and --scopes are required')
    if (options.id !== undefined && !keyIdPattern.test(options.id)) return fail('--id must be 1 to 40 of a-z 0-9 -')
    const secret = newSecret()
    const line = lineOf(options, secret)
    // The service's own reader checks the line.
    parseKeys(JSON.stringify(line))
    process.stderr.write('The key (it is shown once), and the line for AUTH_API_KEYS_FILE:\n')
    await printLine(keyText({ id: line.id, secret }))
    await printLine(JSON.stringify(line))
    return 0
  } catch (error) {
    return fail(describe(error).error)
  }
}
