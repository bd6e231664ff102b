// A line between a tab and the worker, over a port of messages.

import type { Line } from './protocol.ts'

export const lineOver = <Out, In>(port: MessagePort): Line<Out, In> => ({
  send: (message) => port.postMessage(message, []),
  onMessage(take) {
    port.addEventListener('message', ({ data }) => take(data as In))
    port.start()
  },
})
