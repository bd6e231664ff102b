// What becomes of an answer that its client does not take: its window is shut, or it reads byte by byte. HTTP/2 holds the answer in memory for as long as the
// connection lives, and a client that answers a PING now and then keeps that alive.

import { constants, type Http2Stream } from 'node:http2'
import type { ServerInterceptingCall, ServerInterceptingCallInterface, ServerMethodDefinition } from '@grpc/grpc-js'
import { onCancel } from './calls.ts'

/** Ends a stream whose client does not take its end: the library has no word for it, since it only ends streams after their last message. */
export const reset = (call: unknown): void => {
  const { stream } = call as { stream: Http2Stream }
  stream.close(constants.NGHTTP2_CANCEL)
}

/**
 * An interceptor that resets a call with one answer if its client has not taken that within `untakenMs`. Streams have a patience of their own
 * (outgoing.ts), message by message.
 */
export const resettingUntaken =
  (untakenMs: number) =>
  (
    { responseStream }: Pick<ServerMethodDefinition<unknown, unknown>, 'responseStream'>,
    call: ServerInterceptingCallInterface,
  ) => {
    if (!responseStream) {
      let timer: ReturnType<typeof setTimeout> | undefined
      const sendMessage = call.sendMessage.bind(call)
      call.sendMessage = (message, callback) => {
        timer = setTimeout(() => reset(call), untakenMs)
        sendMessage(message, callback)
      }
      onCancel(call, () => clearTimeout(timer))
    }
    // As in calls.ts.
    return call as ServerInterceptingCall
  }
