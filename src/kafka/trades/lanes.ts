// The lanes: each gives the messages of its partitions their dispositions, a batch at a time, in order.

import { passCrashPoint } from '../../app/crashPoint.ts'
import type { RawMessage } from '../client.ts'
import type { Intake, Lane } from './intake.ts'
import type { Progress } from './progress.ts'
import type { Batch } from './batch.ts'

export type LanesOptions = {
  process: Batch
  /** Messages a batch. */
  batchMax: number
  intake: Intake
  progress: Progress
  ending: AbortSignal
  /** Told what a batch failed with that is not tried again. */
  fail: (error: unknown) => void
}

const idleMs = 1_000

const settle = async (batch: readonly RawMessage[], { process, progress, ending }: LanesOptions): Promise<void> => {
  const taken = progress.take(batch)
  const undelivered = await process(batch, ending)
  passCrashPoint('after-ledger-before-offset')
  for (const part of taken) progress.settle(part, undelivered.get(part.partition))
}

const runLane = async (lane: Lane, options: LanesOptions): Promise<void> => {
  const { intake, batchMax, ending } = options
  while (!ending.aborted) {
    const batch = intake.take(lane, batchMax)
    if (batch.length === 0) await lane.bell.wait(idleMs, ending)
    else await settle(batch, options)
  }
}

/** Until `ending`; what was taken by then is brought to its end. */
export const runLanes = async (options: LanesOptions): Promise<void> => {
  await Promise.all(options.intake.lanes.map((lane) => runLane(lane, options).catch(options.fail)))
  await options.progress.written()
}
