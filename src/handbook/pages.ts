// The pages of the handbook in the order of a table of contents. Their texts are in texts.ts: whoever needs
// the names alone does not load the texts.

type PageEntry = {
  /** The name of the file without `.md`, and of the page in an address. */
  readonly name: string
  /** The heading of the file. */
  readonly title: string
  /** One line for a list of the pages. */
  readonly about: string
}

export const pages = [
  { name: 'api', title: 'The HTTP API', about: 'place, read and cancel orders: every call, rule and refusal' },
  { name: 'topics', title: 'The Kafka topics', about: 'the events, the trades and the dead letters, for an engine' },
  { name: 'grpc', title: 'The gRPC API', about: 'the same calls over gRPC: grpcurl, Python, statuses, the stream' },
  { name: 'fix', title: 'The FIX door', about: 'sessions, messages, reports: orders by FIX 4.4' },
  { name: 'operating', title: 'Operating the service', about: 'deploy, upgrade, go back, verify, redrive' },
  {
    name: 'restore',
    title: 'Restore and failover',
    about: 'after a crash, a failover, a restore or a move of the database',
  },
  { name: 'runbook', title: 'Runbook', about: 'what to do for each alert and each symptom' },
  { name: 'tool', title: "The operator's tool", about: 'place, cancel, halt and look at a shell, without curl' },
  { name: 'configuration', title: 'Configuration', about: 'every environment variable with its default and unit' },
  {
    name: 'metrics',
    title: 'Metrics and traces',
    about: 'every metric with its labels, alerts, the dashboard, traces',
  },
  { name: 'security', title: 'Security', about: 'who may call: keys, tokens, scopes, TLS and limits' },
  { name: 'performance', title: 'Performance', about: 'how fast it is, and how to plan machines' },
  { name: 'java', title: 'Differences from the Java service', about: 'what changes for whoever moves from it' },
  {
    name: 'neighbours',
    title: 'The neighbours of the Java service',
    about: 'engine, transactions, market data, portfolio: what they need',
  },
  {
    name: 'takeover',
    title: 'Taking over from the Java service',
    about: 'its database: the runbook, what happens, the way back',
  },
  { name: 'changelog', title: 'Changelog', about: 'what each version of the contracts changed' },
] as const satisfies readonly PageEntry[]

export type PageName = (typeof pages)[number]['name']
export const pageNames: readonly PageName[] = pages.map(({ name }) => name)

/** @returns undefined if the handbook has no page of this name */
export const pageNamed = (name: string) => pages.find((page) => page.name === name)
