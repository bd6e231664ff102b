// L7 as a cell.

import type { Bench, Cell } from '../bench.ts'
import { decodeOnly } from '../decodeOnly.ts'

/** The rate is in legs, as everywhere in W2: a trade has two. */
const legs = 2
/** The decoder never waits, so it needs no more time. */
const secondsMax = 5

export const decodeCell = (bench: Bench): Cell => ({
  name: 'L7 decode only',
  async run() {
    const seconds = Math.min(secondsMax, bench.scale.seconds)
    const { perSecond, malformed, cpuSeconds } = await decodeOnly(seconds)
    const faults = malformed === 0 ? [] : [`${malformed} messages could not be decoded`]
    const cpu = { decode: Math.round((cpuSeconds / (seconds + 1)) * 100) }
    return { figures: { perSecond: perSecond * legs }, cpu, recount: { ok: faults.length === 0, faults, facts: {} } }
  },
})
