// Every call that names a method, for the metrics: its status and how long it took.

import {
  status,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerMethodDefinition,
} from '@grpc/grpc-js'
import type { CallObserver } from './door.ts'
import { statusName } from './status.ts'

/** Has `hear` called when the library says that the call is canceled: it says so of every call that is over, whoever ended it. */
export const onCancel = (call: ServerInterceptingCallInterface, hear: () => void): void => {
  const start = call.start.bind(call)
  call.start = (listener) =>
    start({
      onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel() {
        hear()
        listener.onCancel()
      },
    })
}

/**
 * An interceptor that observes calls. It stands at the innermost call, whose statuses are all of them: also those that no handler gives, for
 * messages that are too large, and for deadlines.
 */
export const observing =
  (observe: CallObserver) =>
  ({ path }: Pick<ServerMethodDefinition<unknown, unknown>, 'path'>, call: ServerInterceptingCallInterface) => {
    const startedAt = performance.now()
    const method = path.slice(1)
    let isOver = false
    const end = (code: status | null | undefined): void => {
      if (isOver) return
      isOver = true
      observe.onEnd({ method, status: statusName(code), seconds: (performance.now() - startedAt) / 1000 })
    }
    observe.onStart(method)
    const sendStatus = call.sendStatus.bind(call)
    call.sendStatus = (sent) => {
      end(sent.code)
      sendStatus(sent)
    }
    onCancel(call, () => end(status.CANCELLED))
    // The library asks for its own class, and uses the interface alone.
    return call as ServerInterceptingCall
  }
