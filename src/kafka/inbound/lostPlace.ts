// Where to go on when a partition no longer has what was to be read next: its start was deleted, its end was lost, or it was written anew.

import type { Gap } from '../../store/gaps.ts'
import { startOf, unknownEpoch, unknownOffset, type GroupReader } from '../places.ts'

type LostPlaceOptions = GroupReader & {
  /** See FeedOptions. */
  onGap: (gap: Gap) => Promise<void>
}
type View = { next: bigint; epoch: number }

/**
 * The place is no longer within the partition, because its messages were deleted or the partition ends before it, or it was never known: moves
 * to the start.
 */
export const moveToStart = async (options: LostPlaceOptions, view: View, partition: number): Promise<void> => {
  const { topic, onGap, log } = options
  const { next } = view
  const start = await startOf(options, partition)
  if (start > next && next !== unknownOffset) await onGap({ topic, partition, first: next, next: start })
  else if (next !== unknownOffset) {
    const fields = { topic, partition, offset: String(next), start: String(start) }
    log.error('a partition ends before the offset that was to be read: it is read from its start', fields)
  }
  if (view.next === next) Object.assign(view, { next: start, epoch: unknownEpoch })
}

/**
 * The partition lost its end and was written again, as after an unclean election or the restore of a disk: offsets that were read name other
 * messages now. How far back it differs, nobody can say for sure, so all of it is read again; what was applied already is a duplicate.
 */
export const readAnew = async (options: LostPlaceOptions, view: View, partition: number): Promise<void> => {
  const { topic, log } = options
  const { next } = view
  const start = await startOf(options, partition)
  const fields = { topic, partition, offset: String(next), start: String(start) }
  log.error(
    'a partition was cut off before the offset that was to be read, and written again: it is read from its start',
    fields,
  )
  if (view.next === next) Object.assign(view, { next: start, epoch: unknownEpoch })
}
