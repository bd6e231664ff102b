// Observes every refusal of the service, for any reason. The answers stay the same.

import type { BatchRefusal } from './batcher.ts'
import type { Service } from './service.ts'
import type { StreamUseCases } from './streams.ts'

/** Sessions of FIX are answered by their door. */
type UseCases = Omit<Service, 'turnAway' | 'load' | 'drained' | 'close' | 'fix'>
/** Those that follow the log report their refusals themselves. */
type FollowUseCases = Omit<StreamUseCases, 'state'>
type CodeOf<R> = R extends { ok: false; code: infer C } ? C : never
type RefusalCode = CodeOf<
  Awaited<ReturnType<UseCases[keyof UseCases] | FollowUseCases[keyof FollowUseCases]>> | BatchRefusal
>
export type RefusalObserver = (call: keyof UseCases | keyof FollowUseCases, code: RefusalCode) => void

/** The same service, which calls `onRefusal` with the name of the use case and the code of each refusal. */
export const observeRefusals = (service: Service, onRefusal: RefusalObserver): Service => {
  const observe = async <R extends { ok: true } | { ok: false; code: RefusalCode }>(
    call: keyof UseCases,
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
    place: (...args) => observe('place', service.place(...args)),
    async placeMany(...args) {
      const results = await service.placeMany(...args)
      for (const result of results) if (!result.ok) onRefusal('place', result.code)
      return results
    },
    validate: (...args) => observe('validate', service.validate(...args)),
    void: (...args) => observe('void', service.void(...args)),
    cancel: (...args) => observe('cancel', service.cancel(...args)),
    cancelMany: (...args) => observe('cancelMany', service.cancelMany(...args)),
    cancelAfter: (...args) => observe('cancelAfter', service.cancelAfter(...args)),
    find: (...args) => observe('find', service.find(...args)),
    list: (...args) => observe('list', service.list(...args)),
    fills: (...args) => observe('fills', service.fills(...args)),
    exceptions: (...args) => observe('exceptions', service.exceptions(...args)),
    resolve: (...args) => observe('resolve', service.resolve(...args)),
    reportExceptions: (...args) => observe('reportExceptions', service.reportExceptions(...args)),
    resolveReport: (...args) => observe('resolveReport', service.resolveReport(...args)),
    instruments: (...args) => observe('instruments', service.instruments(...args)),
    trading: (...args) => observe('trading', service.trading(...args)),
    tickerTrading: (...args) => observe('tickerTrading', service.tickerTrading(...args)),
    rulesChanges: (...args) => observe('rulesChanges', service.rulesChanges(...args)),
    changeTrading: (...args) => observe('changeTrading', service.changeTrading(...args)),
    putInstrument: (...args) => observe('putInstrument', service.putInstrument(...args)),
    deleteInstrument: (...args) => observe('deleteInstrument', service.deleteInstrument(...args)),
  }
}
