// Tells of every refusal of the service, whatever for; the answers stay what they are.

import type { BatchRefusal } from './batcher.ts'
import type { CancelResult } from './cancel.ts'
import type { ResolveResult } from './exceptions.ts'
import type { PlaceResult } from './place.ts'
import type { Service } from './service.ts'

type Calls = Omit<Service, 'turnAway' | 'placeUnlessHeld' | 'load' | 'drained' | 'close'>
type Codes<R> = R extends { ok: false; code: infer C } ? C : never
type RefusalCode = Codes<PlaceResult | CancelResult | ResolveResult | BatchRefusal>
export type RefusalObserver = (call: keyof Calls, code: RefusalCode) => void

export const tellRefusals = (service: Service, onRefusal: RefusalObserver): Service => {
  const told = async <R extends { ok: true } | { ok: false; code: RefusalCode }>(
    call: keyof Calls,
    answer: Promise<R>,
  ): Promise<R> => {
    const result = await answer
    if (!result.ok) onRefusal(call, result.code)
    return result
  }
  return {
    ...service,
    turnAway() {
      const refusal = service.turnAway()
      if (refusal !== null) onRefusal('place', refusal.code)
      return refusal
    },
    place: (...asked) => told('place', service.place(...asked)),
    placeUnlessHeld: (asked) => told('place', service.placeUnlessHeld(asked)),
    cancel: (...asked) => told('cancel', service.cancel(...asked)),
    find: (...asked) => told('find', service.find(...asked)),
    list: (...asked) => told('list', service.list(...asked)),
    fills: (...asked) => told('fills', service.fills(...asked)),
    exceptions: (...asked) => told('exceptions', service.exceptions(...asked)),
    resolve: (...asked) => told('resolve', service.resolve(...asked)),
  }
}
