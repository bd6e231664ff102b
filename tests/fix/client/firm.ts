// A firm that trades by FIX: QuickFIX/J in a process of its own (FixClient.java), which may be killed and started again, and what the firm was
// told. Nothing of src/ is in here.

import { hold, release } from '../../stack/guard.ts'
import { temporaryDir } from '../../support/servers.ts'
import { until } from '../../support/until.ts'
import { clientCommand } from './quickfixj.ts'

const soh = '\u0001'

/** Fields by tag. */
export type Fields = Readonly<Record<number, string | number>>

/** A message that came or went. `fields`: with those of the header; of a tag that repeats, the last. */
export type FixMessage = { type: string; number: number; fields: Readonly<Record<number, string>> }

type Event = 'logon' | 'logout' | 'stopped' | 'received' | 'admin' | 'sending'
export type Happened = { event: Event; message: FixMessage | null }

export type FirmSession = {
  name: string
  /** Everything that happened to the session, over kills and reopenings. */
  happened: readonly Happened[]
  /** Connects; again whenever the connection is lost. `settings`: of QuickFIX/J, over those that the session has. */
  open: (settings?: Record<string, string>) => Promise<void>
  loggedOn: () => Promise<void>
  /** Logs out, and connects no more. */
  stop: () => Promise<void>
  /** Drops the connection. */
  cut: () => void
  /** The numbers of the next message in each direction. */
  numbers: (out: number, into: number) => void
  /** Sends a message, now or once the session is logged on. */
  send: (type: string, fields: Fields) => void
  /** The messages of the service that are not the session's own, each number once, in the order of their first arrival. */
  received: () => FixMessage[]
  /** The first of them that fits; waits for it. */
  message: (fits: (message: FixMessage) => boolean, what: string) => Promise<FixMessage>
  /** The first message of the session itself (A 0 1 2 3 4 5) of this type from the service, of those that came after `after` things had happened. */
  admin: (type: string, after?: number) => Promise<FixMessage>
}

export type Firm = AsyncDisposable & {
  session: (name: string, settings: Record<string, string>) => FirmSession
  /** SIGKILL; a session that is opened again starts a new process. */
  kill: () => Promise<void>
  /** What QuickFIX/J said for a person. */
  notes: () => string
}

const parse = (text: string): FixMessage => {
  const fields: Record<number, string> = {}
  for (const field of text.split(soh).slice(0, -1)) {
    const at = field.indexOf('=')
    fields[Number(field.slice(0, at))] = field.slice(at + 1)
  }
  return { type: fields[35]!, number: Number(fields[34]), fields }
}

const forEachLine = async (stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> => {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    lines.forEach(take)
  }
}

const lastNotesMax = 20

type Child = { write: (line: string) => void; kill: () => Promise<void> }

const startChild = async (onLine: (line: string) => void, onNote: (line: string) => void): Promise<Child> => {
  const child = Bun.spawn(await clientCommand(), { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', detached: true })
  hold(child.pid, 'SIGKILL')
  const outputs = [forEachLine(child.stdout, onLine), forEachLine(child.stderr, onNote)]
  return {
    write(line) {
      void child.stdin.write(`${line}\n`)
      void child.stdin.flush()
    },
    async kill() {
      child.kill('SIGKILL')
      await child.exited
      await Promise.all(outputs)
      release(child.pid)
    },
  }
}

const sessionOf = (
  name: string,
  settings: Record<string, string>,
  happened: readonly Happened[],
  port: { write: (line: string) => void; started: () => Promise<void>; lastNotes: () => string },
): FirmSession => {
  /** Waits for what the firm sees; says what QuickFIX/J said last if it never comes. */
  const sees: typeof until = (look, options) =>
    until(look, options).catch((error: unknown) => {
      throw new Error(`${String(error)}\n-- QuickFIX/J said last:\n${port.lastNotes()}`, { cause: error })
    })
  const happens = async (event: Event, from: number): Promise<void> => {
    await sees(() => happened.slice(from).some((one) => one.event === event), { what: `${name}: ${event}` })
  }
  const received = (): FixMessage[] => {
    const byNumber = new Map<number, FixMessage>()
    for (const { event, message } of happened)
      if (event === 'received' && !byNumber.has(message!.number)) byNumber.set(message!.number, message!)
    return [...byNumber.values()]
  }
  let opened = 0
  return {
    name,
    happened,
    async open(changes = {}) {
      await port.started()
      opened = happened.length
      const all = Object.entries({ ...settings, ...changes }).map(([key, value]) => `${key}=${value}`)
      port.write(['open', name, ...all].join('\t'))
    },
    loggedOn: () => happens('logon', opened),
    async stop() {
      const from = happened.length
      port.write(`stop\t${name}`)
      await happens('stopped', from)
    },
    cut: () => port.write(`cut\t${name}`),
    numbers: (out, into) => port.write(`numbers\t${name}\t${out}\t${into}`),
    send(type, fields) {
      const all = Object.entries(fields).map(([tag, value]) => `${tag}=${value}`)
      port.write(`send\t${name}\t${[`35=${type}`, ...all].join(soh)}`)
    },
    received,
    message: (fits, what) => sees(() => received().find(fits), { what: `${name} was told: ${what}` }),
    async admin(type, after = opened) {
      const find = () => happened.slice(after).find(({ event, message }) => event === 'admin' && message!.type === type)
      return (await sees(find, { what: `${name} got a message of type ${type}` })).message!
    },
  }
}

type FirmOptions = {
  /** Of its files; a folder of its own if absent. */
  dir?: string
  onHappened?: (session: string, happened: Happened) => void
}

export const createFirm = ({ dir = temporaryDir('firm'), onHappened }: FirmOptions = {}): Firm => {
  const sessions = new Map<string, Happened[]>()
  const notes: string[] = []
  let child: Promise<Child> | null = null
  let present: Child | null = null
  const take = (line: string): void => {
    const { session, event, text } = JSON.parse(line) as { session: string; event: Event; text?: string }
    const one = { event, message: text === undefined ? null : parse(text) }
    sessions.get(session)?.push(one)
    onHappened?.(session, one)
  }
  const started = async (): Promise<void> => {
    child ??= startChild(take, (line) => notes.push(line))
    present = await child
  }
  const lastNotes = (): string => notes.slice(-lastNotesMax).join('\n')
  const write = (line: string): void => {
    if (present === null) throw new Error('the firm does not run')
    present.write(line)
  }
  const kill = async (): Promise<void> => {
    const dying = child
    child = null
    present = null
    await (await dying)?.kill()
  }
  return {
    session(name, settings) {
      const happened: Happened[] = []
      sessions.set(name, happened)
      return sessionOf(name, { FileStorePath: dir, ...settings }, happened, { write, started, lastNotes })
    },
    kill,
    notes: () => notes.join('\n'),
    [Symbol.asyncDispose]: kill,
  }
}
