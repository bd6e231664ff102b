// Reads that cannot share a statement, such as pages of lists: each runs alone, a limited number at a time, within the bounds of a batcher.

import { createBatcher, type Batcher, type BatcherOptions, type BatchRefusal } from './batcher.ts'

export type Reads = Pick<Batcher<never, never>, 'load' | 'drained' | 'close'> & {
  /** Returns the answer of `read`, which may be called again after a failure; or the reason for a refusal. */
  submit: <R>(read: () => Promise<R>) => Promise<R | BatchRefusal>
}

type ReadsOptions = Omit<BatcherOptions<never, never>, 'run' | 'kind' | 'batchMax'>

const done = { ok: true } as const

/** `lanes` and `queueMax` count reads; the other options are those of every batcher. */
export const createReads = (options: ReadsOptions): Reads => {
  const batcher = createBatcher<() => Promise<void>, typeof done>({
    ...options,
    kind: 'read',
    batchMax: 1,
    run: (reads) =>
      Promise.all(
        reads.map(async (read) => {
          await read()
          return done
        }),
      ),
  })
  return {
    ...batcher,
    submit<R>(read: () => Promise<R>) {
      const { promise, resolve } = Promise.withResolvers<R | BatchRefusal>()
      const settled = batcher.submit(async () => resolve(await read()))
      void settled.then((outcome) => outcome.ok || resolve(outcome))
      return promise
    },
  }
}
