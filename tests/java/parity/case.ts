// One request of the comparison with the Java service: what is sent, and what comes back from there and from here. Data alone: `send.ts` sends it,
// `parity.test.ts` holds both modes of this service against it, `page.ts` writes the handbook's table from it.

/** What comes back. Members that are not named may be anything. */
export type Answer = {
  /** Of several at once: those of all, ascending. */
  status: number | readonly number[]
  /** Members of the JSON with their values. */
  has?: Readonly<Record<string, string | number | boolean | null>>
  /** Members of the JSON that are there, with any value. */
  members?: readonly string[]
  headers?: Readonly<Record<string, string>>
}

/** What happens to the order of a request before it is sent. A trade is of the order's own ticker and side unless it says otherwise. */
export type Step = 'cancel' | { quantity: number; price: number; ticker?: string; side?: 'BUY' | 'SELL'; again?: true }

export type ParityCase = {
  /** A cell of the handbook, in Markdown. */
  name: string
  /** `noted`: the comparison wrote down this answer; `told`: it only said that such requests are alike, or by which rule they are answered. */
  source: 'noted' | 'told'
  method: string
  /** `{id}`: of an order that was placed for it; `{unknown}`: an id that nobody has. */
  path: string
  headers?: Readonly<Record<string, string>>
  /** An object is sent as its JSON; text as it is. */
  body?: object | string
  encoding?: 'utf16le'
  /** How it goes over the wire, if not as HTTP/1.1 with a length. */
  wire?: '1.0' | 'chunked' | 'expect'
  /** The terms of the order that `{id}` stands for, over those of the usual one, and what became of it. */
  order?: object
  before?: readonly Step[]
  /** So many of it at once; 1 by default. */
  times?: number
  java: Answer
  /** As the Java service, if absent. */
  ours?: Answer
  /** With JAVA_COMPATIBILITY; as without it, if absent. */
  switched?: Answer
  /** Why this service answers differently, in the one mode or in both. */
  reason?: string
}

/** Buy 10 PAR, limit 150. */
export const usual = {
  userId: 'b0b00000-0000-4000-8000-000000000002',
  ticker: 'PAR',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: 10,
  price: 150,
} as const

/** The usual order with members added or replaced; undefined: left out. */
export const order = (members: object = {}): object => ({ ...usual, ...members })

/** The same as text, with a piece of it replaced. */
export const orderText = (piece: string, by: string): string => JSON.stringify(usual).replace(piece, by)

/** The two forms in which the Java service refused: its own, and Spring's. */
export const javaError = ['code', 'message'] as const
export const springError = ['timestamp', 'status', 'error', 'path'] as const

/** Of one request: as the Java service answered, by this service without and with the switch. */
export const answersOf = ({ java, ours = java, switched = ours }: ParityCase) => ({ java, ours, switched })

const isPart = (part: object = {}, whole: object = {}): boolean =>
  Object.entries(part).every(([name, value]) => (whole as Record<string, unknown>)[name] === value)

/** Whether a client of the Java service finds in the answer what that one gave. */
export const isAlike = (java: Answer, other: Answer): boolean =>
  JSON.stringify(java.status) === JSON.stringify(other.status) &&
  isPart(java.has, other.has) &&
  isPart(java.headers, other.headers) &&
  (java.members ?? []).every((member) => other.members?.includes(member) === true)
