// How many events wait to be published, several times a second, without asking the service and without a scan: positions that were
// drawn from the outbox's sequence, less the records on the two topics.

import { watch, type Watch } from '../measure/watch.ts'
import type { Trial } from '../world/trial.ts'
import type { BacklogSample } from './recount.ts'
import type { TopicReader } from './topicScan.ts'

const everyMs = 500

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

export const watchBacklog = ({ sql, topics }: Trial, reader: TopicReader): Watch<BacklogSample> => {
  const startedAt = performance.now()
  return watch(everyMs, async () => {
    const ends = await Promise.all([reader.ends(topics.placed), reader.ends(topics.cancelled)])
    const published = sum(ends.flat())
    const [row] = await sql<{ drawn: number }[]>`
      select coalesce(pg_sequence_last_value('outbox_position_seq'::regclass), 0)::float8 as drawn`
    return { atMs: performance.now() - startedAt, waiting: row!.drawn - published, published }
  })
}
