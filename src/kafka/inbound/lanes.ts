// Runs the lanes. Each lane handles the messages of its partitions in order, one batch at a time.

import { passCrashPoint, type CrashPoint } from '../../app/crashPoint.ts'
import type { RawMessage } from '../client.ts'
import type { DeadLetter, DeadLetters } from './deadLetters.ts'
import type { HandleBatch } from './handle.ts'
import type { Intake, Lane } from './intake.ts'
import type { Progress } from './progress.ts'

export type LanesOptions = {
  handleBatch: HandleBatch
  sendLetters: DeadLetters['send']
  /** Messages a batch. */
  batchMax: number
  /** Passed once a batch has its dispositions, before its offsets are committed. */
  crashPoint: CrashPoint
  intake: Intake
  progress: Progress
  ending: AbortSignal
  /** Called with the error of a batch that is not tried again. */
  fail: (error: unknown) => void
}

const idleMs = 1_000

const settle = async (batch: readonly RawMessage[], options: LanesOptions): Promise<void> => {
  const { handleBatch, sendLetters, crashPoint, progress, ending } = options
  const parts = progress.take(batch)
  const held = new Map<number, Promise<readonly DeadLetter[]>[]>()
  const lettersOf = await handleBatch(batch, ending, (partition, later) => {
    held.set(partition, [...(held.get(partition) ?? []), later])
  })
  passCrashPoint(crashPoint)
  for (const { partition, ...part } of parts) {
    const letters = lettersOf.get(partition) ?? []
    const later = held.get(partition) ?? []
    const send = async (): Promise<void> => {
      if (letters.length > 0) await sendLetters(letters, ending)
      for (const more of await Promise.all(later)) if (more.length > 0) await sendLetters(more, ending)
    }
    progress.settle({ partition, ...part }, letters.length + later.length === 0 ? undefined : send)
  }
}

const runLane = async (lane: Lane, options: LanesOptions): Promise<void> => {
  const { intake, batchMax, ending } = options
  while (!ending.aborted) {
    const batch = intake.take(lane, batchMax)
    if (batch.length === 0) await lane.bell.wait(idleMs, ending)
    else await settle(batch, options)
  }
}

/** Runs until `ending` is aborted, then finishes the batches and letters that are under way. */
export const runLanes = async (options: LanesOptions): Promise<void> => {
  await Promise.all(options.intake.lanes.map((lane) => runLane(lane, options).catch(options.fail)))
  await options.progress.whenIdle()
}
