// The produce requests to the brokers: which batches share one, and which go alone.
//
// A broker answers the requests of a connection one after the other, and a request once all in-sync replicas have all of its partitions.
// So one partition whose replica stands still would hold up every partition of its broker. If an answer is late, the connection is given
// up, and each batch of the late request is sent again alone, on a connection of its own, until one of its partition is answered in time.
// What was sent twice may then be there twice; its first occurrence still stands before whatever was sent later.
//
// A broker whose quota was passed says how long it reads nothing more from the connection. That is no late answer: what is for it waits.

import type { Broker } from './leaders.ts'
import { NetworkError, ProtocolError, protocolErrorsCodesById, type Connection } from './library.ts'
import {
  isFlexible,
  partKey,
  produceKey,
  readAnswer,
  writeRequest,
  type Part,
  type ProduceAnswer,
} from './produceRequest.ts'
import { exchange } from './request.ts'

/** Connections to brokers, one to each. */
export type Lane = {
  connection: (broker: Broker) => Promise<Pick<Connection, 'send'>>
  close: () => void
}

export type RequestOptions = {
  /** The version of the produce request that the brokers take. */
  version: () => Promise<number>
  openLane: () => Lane
  /** How long a broker may take for an answer. */
  requestTimeoutMs: number
  /** When an answer that holds up other batches is late. */
  lateMs: number
}

type Outcomes<Batch> = {
  /** `error`: null once all in-sync replicas have the batch. */
  onOutcome: (batch: Batch, error: unknown) => void
  /** The batch has to be sent again: somebody else's answer was late. */
  onAbandoned: (batch: Batch) => void
}

export type BrokerRequests<Batch> = {
  /** Sends batches of different partitions that this broker leads. A partition has at most one batch under way. */
  send: (broker: Broker, batches: readonly Batch[]) => void
  close: () => void
}

/** Bounds what one request holds; a broker takes 100 MB by default. */
const requestBytesMax = 8_000_000
/** A broker that asks for more rest than this is sent something all the same. */
const restMaxMs = 30_000
/** Beyond so many partitions that are put aside, those that follow share one lane. */
const ownLanesMax = 64

/** A request under way. `abandoned`: its batches are sent otherwise, so its answer does not count. */
type Attempt<Batch> = {
  readonly broker: Broker
  readonly batches: readonly Batch[]
  abandoned: boolean
  /** Gives it so much time before it is late. Absent: it holds up nobody. */
  patience?: (ms: number) => void
}
/** What waits for a broker that rests until then, by performance.now. */
type Rest<Batch> = { until: number; readonly batches: Batch[]; timer: ReturnType<typeof setTimeout> | undefined }
/**
 * `shared`: by broker, the lane of all partitions that are not put aside, and what is under way on it. `aside`: by partition. `rests`: by
 * broker.
 */
type Running<Batch> = {
  readonly options: RequestOptions & Outcomes<Batch>
  readonly shared: Map<number, { lane: Lane; attempts: Set<Attempt<Batch>> }>
  readonly aside: Map<string, Lane>
  readonly rests: Map<number, Rest<Batch>>
  crowd: Lane | null
}

/** Splits the batches for one broker where a request would become too large. */
const inRequests = <Batch extends Part>(batches: readonly Batch[]): Batch[][] => {
  const requests: Batch[][] = []
  let bytes = Infinity
  for (const each of batches) {
    bytes += each.batch.length
    if (bytes > requestBytesMax) {
      requests.push([each])
      bytes = each.batch.length
    } else requests.at(-1)!.push(each)
  }
  return requests
}

const produce = async (
  { version, requestTimeoutMs }: RequestOptions,
  lane: Lane,
  { broker, batches }: Attempt<Part>,
): Promise<ProduceAnswer> => {
  const used = await version()
  const connection = await lane.connection(broker)
  return exchange(connection, {
    key: produceKey,
    version: used,
    flexible: isFlexible(used),
    write: () => writeRequest(used, batches, requestTimeoutMs),
    read: (reader) => readAnswer(used, reader),
  })
}

const errorOf = (answer: ProduceAnswer['parts'][number] | undefined): Error | null => {
  if (answer === undefined) return new NetworkError('the broker said nothing of a partition')
  const { code, detail } = answer
  if (code === 0) return null
  if (String(code) in protocolErrorsCodesById) return new ProtocolError(code, detail)
  return new NetworkError(`the broker answered with the unknown code ${code}`)
}

/** Until then nothing is sent to the broker, and nothing that is under way there is late. */
const rest = <Batch extends Part>(running: Running<Batch>, broker: Broker, throttleMs: number): void => {
  const { rests, shared, options } = running
  const ms = Math.min(throttleMs, restMaxMs)
  const until = performance.now() + ms
  const own = rests.get(broker.id) ?? { until: 0, batches: [], timer: undefined }
  if (until <= own.until) return
  own.until = until
  rests.set(broker.id, own)
  clearTimeout(own.timer)
  own.timer = setTimeout(() => {
    rests.delete(broker.id)
    if (own.batches.length > 0) dispatch(running, broker, own.batches)
  }, ms)
  for (const { patience } of shared.get(broker.id)?.attempts ?? []) patience?.(ms + options.lateMs)
}

/** `onEnd` is called before the outcomes: `answered` says whether there was an answer. */
const attempt = async <Batch extends Part>(
  running: Running<Batch>,
  lane: Lane,
  under: Attempt<Batch>,
  onEnd: (answered: boolean) => void,
): Promise<void> => {
  const { options } = running
  let errorFor: (batch: Batch) => unknown
  try {
    const { parts, throttleMs } = await produce(options, lane, under)
    const answers = new Map(parts.map((answer) => [partKey(answer), answer]))
    errorFor = (batch) => errorOf(answers.get(partKey(batch)))
    onEnd(true)
    if (throttleMs > 0) rest(running, under.broker, throttleMs)
  } catch (error) {
    errorFor = () => error
    onEnd(false)
  }
  if (!under.abandoned) for (const batch of under.batches) options.onOutcome(batch, errorFor(batch))
}

const putAside = <Batch extends Part>(running: Running<Batch>, batch: Batch): void => {
  const { aside, options } = running
  aside.set(partKey(batch), aside.size < ownLanesMax ? options.openLane() : (running.crowd ??= options.openLane()))
}

const rejoin = <Batch>({ aside, crowd }: Running<Batch>, key: string): void => {
  const lane = aside.get(key)
  aside.delete(key)
  if (lane !== crowd) lane?.close()
}

/** Gives up the lane of a broker on which an answer is late, so that nothing that follows waits behind it. */
const giveUpLane = <Batch extends Part>(running: Running<Batch>, late: Attempt<Batch>): void => {
  const { lane, attempts } = running.shared.get(late.broker.id)!
  running.shared.delete(late.broker.id)
  for (const batch of late.batches) putAside(running, batch)
  for (const each of attempts) {
    each.abandoned = true
    each.batches.forEach(running.options.onAbandoned)
  }
  lane.close()
}

const sendShared = <Batch extends Part>(running: Running<Batch>, broker: Broker, batches: readonly Batch[]): void => {
  const { shared, options } = running
  const way = shared.get(broker.id) ?? { lane: options.openLane(), attempts: new Set() }
  shared.set(broker.id, way)
  const under: Attempt<Batch> = { broker, batches, abandoned: false }
  way.attempts.add(under)
  let timer: ReturnType<typeof setTimeout> | undefined
  under.patience = (ms) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (!under.abandoned) giveUpLane(running, under)
    }, ms)
  }
  under.patience(options.lateMs)
  void attempt(running, way.lane, under, () => {
    clearTimeout(timer)
    way.attempts.delete(under)
  })
}

const sendAlone = <Batch extends Part>(running: Running<Batch>, lane: Lane, broker: Broker, batch: Batch): void => {
  const since = performance.now()
  void attempt(running, lane, { broker, batches: [batch], abandoned: false }, (answered) => {
    if (answered && performance.now() - since < running.options.lateMs) rejoin(running, partKey(batch))
  })
}

const dispatch = <Batch extends Part>(running: Running<Batch>, broker: Broker, batches: readonly Batch[]): void => {
  const together: Batch[] = []
  for (const batch of batches) {
    const lane = running.aside.get(partKey(batch))
    if (lane === undefined) together.push(batch)
    else sendAlone(running, lane, broker, batch)
  }
  for (const request of inRequests(together)) sendShared(running, broker, request)
}

export const createBrokerRequests = <Batch extends Part>(
  options: RequestOptions & Outcomes<Batch>,
): BrokerRequests<Batch> => {
  const running: Running<Batch> = { options, shared: new Map(), aside: new Map(), rests: new Map(), crowd: null }
  return {
    send(broker, batches) {
      const resting = running.rests.get(broker.id)
      if (resting === undefined) dispatch(running, broker, batches)
      else resting.batches.push(...batches)
    },
    close() {
      for (const { timer, batches } of running.rests.values()) {
        clearTimeout(timer)
        for (const batch of batches) options.onOutcome(batch, new NetworkError('the connection was closed'))
      }
      running.rests.clear()
      for (const { lane } of running.shared.values()) lane.close()
      for (const lane of running.aside.values()) lane.close()
      running.crowd?.close()
    },
  }
}
