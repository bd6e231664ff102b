// Which broker leads which partition of a topic. The view is renewed beside the sends: a broker that stands still may be the one that is
// asked, and then it would hold up the partitions of all the others.

import { sleep } from '../app/sleep.ts'
import { PartitionUnavailable } from './blame.ts'
import type { ClusterMetadata } from './library.ts'

export type Broker = { readonly id: number; readonly host: string; readonly port: number }
/** By partition; null: it has no leader now. */
type TopicLeaders = readonly (Broker | null)[]
/** The part of the library's client that is used here. */
export type MetadataClient = {
  metadata: (query: { topics: string[]; forceUpdate: true }) => Promise<Pick<ClusterMetadata, 'brokers' | 'topics'>>
}

export type Leaders = {
  /** What is known, if it is young enough to be used without a question; else null. */
  known: (topic: string) => TopicLeaders | null
  /** Rejects with PartitionUnavailable if no broker can say. */
  of: (topic: string) => Promise<TopicLeaders>
  /** As the brokers say now. */
  asked: (topic: string) => Promise<TopicLeaders>
}

/** A view is renewed in the background from this age on, and new partitions are noticed at most `ageMaxMs` later. */
const renewAfterMs = 2_500
const ageMaxMs = 5_000
/** While the brokers are slow to answer, an older view does for so long. */
const slowAgeMaxMs = 30_000
/** How long a question may hold up those who ask. */
const patienceMs = 1_000

type View = { leaders: TopicLeaders; at: number }
type Question = { since: number; answer: Promise<TopicLeaders> }

const ask = async (client: MetadataClient, topic: string): Promise<TopicLeaders> => {
  try {
    const { brokers, topics } = await client.metadata({ topics: [topic], forceUpdate: true })
    return topics.get(topic)!.partitions.map(({ leader: id }) => {
      const broker = brokers.get(id)
      return broker === undefined ? null : { id, host: broker.host, port: broker.port }
    })
  } catch (error) {
    throw new PartitionUnavailable(`the partitions of ${topic} are not known`, { cause: error })
  }
}

export const createLeaders = (client: MetadataClient): Leaders => {
  const views = new Map<string, View>()
  const questions = new Map<string, Question>()
  const ageOf = ({ at }: View): number => performance.now() - at

  const question = (topic: string): Question => {
    const underWay = questions.get(topic)
    if (underWay !== undefined) return underWay
    const answer = ask(client, topic)
      .then(
        (leaders) => {
          views.set(topic, { leaders, at: performance.now() })
          return leaders
        },
        (error: unknown) => {
          views.delete(topic)
          throw error
        },
      )
      .finally(() => questions.delete(topic))
    // Who asked in the background does not wait for the answer.
    answer.catch(() => undefined)
    const asked = { since: performance.now(), answer }
    questions.set(topic, asked)
    return asked
  }

  const known = (topic: string): TopicLeaders | null => {
    const view = views.get(topic)
    if (view === undefined) return null
    const age = ageOf(view)
    if (age < renewAfterMs) return view.leaders
    const { since } = question(topic)
    const isSlow = performance.now() - since >= patienceMs
    return age < (isSlow ? slowAgeMaxMs : ageMaxMs) ? view.leaders : null
  }

  return {
    known,
    asked: (topic) => question(topic).answer,
    async of(topic) {
      const now = known(topic)
      if (now !== null) return now
      const { answer, since } = question(topic)
      if (!views.has(topic)) return answer
      await Promise.race([answer, sleep(patienceMs - (performance.now() - since))])
      return known(topic) ?? answer
    },
  }
}
