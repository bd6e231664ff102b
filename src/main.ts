// The subcommands. Heavy modules are loaded only by those that need them: a container's health check runs every few seconds.

import { endBySignal } from './commands/firstProcess.ts'
import { notices, version } from './version.ts'

const help = `orders ${version}: the single source of truth for the life of an order

  orders [serve]          serve HTTP, relay events to Kafka, apply trades (the default)
  orders migrate          bring the database's schema to this version, then exit
  orders adopt            take over the database of the Java service: --dry-run, --list, --transactions, --opening-balances,
                          --swallowed, --publish-undecided, --cancel-older-than; --back: go back to it
  orders health           exit 0 if the service on this host is alive; --ready: if it can serve requests
  orders verify           check every order against its ledger; --topics: the topics against the tables; --json
  orders redrive          send dead letters to their topic again: --reports, --dry-run, --all, --disposition, --order, --id,
                          --since, --until, --limit
  orders expire           end open orders without an expiresAt: --older-than, --user, --ticker, --dry-run
  orders watch            show orders as they change: --user, --ticker, --order, --json, --url, --ca-file
  orders place            place an order: orders place --user <uuid> BUY 100 AAPL --limit 187.50
  orders cancel           cancel orders: their ids, or every open order of --user, --ticker, --side
  orders get              show an order: its id, --fills, --events
  orders list             list orders: --user, --ticker, --side, --status, --type … (each with --help)
  orders void             after an unknown outcome: make certain that no order with this key is accepted
  orders halt             halt a ticker, or every one: --by, --note, --cancel-open
  orders resume           end a halt: --by, --note
  orders instruments      list tickers, limits and halts; set, defaults, delist: change them; changes: who, when, why
  orders exceptions       list what did not fit: --reports, --all; resolve one: orders exceptions resolve <id> --by, --note
  orders status           show how the service and its neighbours are, and why
  orders api-key          make an API key: --subject, --scopes, --id, --expires
  orders fix-session      make the password of a FIX session: --sender, --user, --target, --id, --scopes, --reports
  orders openapi          print the OpenAPI document of the HTTP side
  orders asyncapi         print the AsyncAPI document of the topics
  orders proto            print the proto file of gRPC
  orders licenses         print the licences of what this binary is made of
  orders dashboard        print a dashboard for Grafana
  orders alerts           print alert rules for Prometheus; --runbook-base: where their links to the runbook lead
  orders completion bash  print a script by which bash completes all this: source <(orders completion bash)
  orders help [page]      list the pages of the handbook, or print one: orders help runbook
  orders --version        print the version
  orders --help           print this

Configuration is read from the environment; \`orders help configuration\` prints every key. The least that is needed:
  DATABASE_URL=postgres://user:password@host:5432/orders  KAFKA_BOOTSTRAP_SERVERS=host:9092
`

/** They call a running service. */
const operatorCommands = [
  'place',
  'cancel',
  'get',
  'list',
  'void',
  'halt',
  'resume',
  'instruments',
  'exceptions',
  'status',
] as const
const isOperatorCommand = (command: string | undefined): command is (typeof operatorCommands)[number] =>
  operatorCommands.some((one) => one === command)

/** The flags of the subcommands that have no reader of their own. What they do not know must not start a service or move a schema. */
const fewFlags: Readonly<Record<string, readonly string[]>> = {
  serve: [],
  migrate: [],
  health: ['--ready'],
  openapi: [],
  asyncapi: [],
  proto: [],
  licenses: [],
  dashboard: [],
}

/** The usage of the subcommands whose readers know no --help; the others answer it themselves. */
const usages: Readonly<Record<string, () => Promise<string>>> = {
  adopt: async () => (await import('./adopt/options.ts')).usage,
  verify: async () => (await import('./verify/command.ts')).usage,
  redrive: async () => (await import('./redrive/command.ts')).usage,
  expire: async () => (await import('./commands/expire.ts')).usage,
  completion: () => Promise.resolve(entryOf('completion')),
  help: () => Promise.resolve(entryOf('help')),
}

/** What `orders --help` says of this subcommand. */
const entryOf = (command: string): string =>
  new RegExp(`^  orders \\[?${command}\\b.*\n(?: {10}.*\n)*`, 'm').exec(help)?.[0] ?? help

/** The exit code if the arguments say that nothing is to be done: they ask for help, or are wrong. Null: it may run. */
const judge = async (command: string, args: readonly string[]): Promise<number | null> => {
  const flags = fewFlags[command]
  const ownUsage = usages[command]
  if (flags === undefined && ownUsage === undefined) return null
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(ownUsage === undefined ? entryOf(command) : await ownUsage())
    return 0
  }
  const strange = flags && args.find((arg) => !flags.includes(arg))
  if (strange === undefined) return null
  const known = flags?.length === 0 ? 'it takes no arguments' : `known is ${flags?.join(', ')}`
  process.stderr.write(`orders ${command}: "${strange}" is not known here: ${known}\n${entryOf(command)}`)
  return 2
}

const run = async (command: string | undefined, args: readonly string[]): Promise<number> => {
  if (isOperatorCommand(command))
    return (await import('./operate/command.ts')).operateCommand(command, process.env, args)
  switch (command) {
    case undefined:
    case 'serve':
      return (await import('./serve/serve.ts')).serve(process.env)
    case 'migrate':
      return (await import('./commands/migrate.ts')).migrateCommand(process.env)
    case 'adopt':
      return (await import('./adopt/command.ts')).adoptCommand(process.env, args)
    case 'health':
      return (await import('./commands/health.ts')).healthCommand(process.env, args)
    case 'verify':
      return (await import('./verify/command.ts')).verifyCommand(process.env, args)
    case 'redrive':
      return (await import('./redrive/command.ts')).redriveCommand(process.env, args)
    case 'expire':
      return (await import('./commands/expire.ts')).expireCommand(process.env, args)
    case 'watch':
      return (await import('./watch/command.ts')).watchCommand(process.env, args)
    case 'api-key':
      return (await import('./commands/apiKey.ts')).apiKeyCommand(args)
    case 'fix-session':
      return (await import('./commands/fixSession.ts')).fixSessionCommand(args)
    case 'openapi':
    case 'asyncapi':
    case 'proto':
      return (await import('./serve/contracts.ts')).contractCommands[command](process.env)
    case 'licenses':
      process.stdout.write(`${notices}\n`)
      return 0
    case 'dashboard':
      return (await import('./commands/metrics.ts')).dashboardCommand()
    case 'alerts':
      return (await import('./commands/metrics.ts')).alertsCommand(args)
    case 'completion':
      return (await import('./commands/completion.ts')).completionCommand(args)
    case 'help':
      return (await import('./commands/help.ts')).helpCommand(args)
    case '--version':
    case 'version':
      process.stdout.write(`${version}\n`)
      return 0
    case '--help':
    case '-h':
      process.stdout.write(help)
      return 0
    default:
      return (await import('./commands/unknown.ts')).unknownCommand(command)
  }
}

/** They end by themselves on a signal, in an order of their own. */
const endsItself = (command: string | undefined): boolean =>
  command === undefined || command === 'serve' || command === 'watch' || isOperatorCommand(command)

const [command, ...args] = process.argv.slice(2)
if (!endsItself(command)) endBySignal(process.pid)
process.exit((command === undefined ? null : await judge(command, args)) ?? (await run(command, args)))
