// When a batch of writes may start beside those that run. A transaction costs Postgres and this process about as much for one order as for
// fifty, so what arrives while one runs is better off in the next one than beside it: but not for long, because a slow disk makes everybody
// wait for a commit that has nothing to do with them.

/** A further batch starts once the youngest that runs has taken this long, which on a fast disk it does not. */
const patienceMs = 8
/** Or once this share of a batch waits: more would not make it cheaper. */
const shareOfBatch = 1 / 4

export type Lanes = {
  /** Batches at a time. */
  lanes: number
  /** Items a batch. */
  batchMax: number
  kind: 'read' | 'write'
}

/** `waiting`, `running`: items that wait, batches that run. `startedAt`: of the youngest of these; it and `now` on one clock, in ms. */
export type LaneLoad = { waiting: number; running: number; startedAt: number; now: number }

/** In how many ms the next batch may start; 0: now; null: not before one ends or an item comes. Reads wait for no disk, and for no other. */
export const msToNextLane = (
  { lanes, batchMax, kind }: Lanes,
  { waiting, running, startedAt, now }: LaneLoad,
): number | null => {
  if (waiting === 0 || running >= lanes) return null
  if (running === 0 || kind === 'read' || waiting >= batchMax * shareOfBatch) return 0
  return Math.max(0, startedAt + patienceMs - now)
}
