// AbortController and AbortSignal of a simulated run. The process keeps its own kind alive, with all that its listeners hold, until it is
// aborted; those of a replica that was killed never are, so that after some hundred runs their worlds would fill the memory.

class SimulatedSignal extends EventTarget {
  aborted = false
  reason: unknown = undefined

  /** Aborts it, once. */
  end(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.dispatchEvent(new Event('abort'))
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  static any(signals: readonly SimulatedSignal[]): SimulatedSignal {
    const first = new SimulatedSignal()
    for (const signal of signals) {
      if (signal.aborted) first.end(signal.reason)
      else signal.addEventListener('abort', () => first.end(signal.reason))
    }
    return first
  }
}

class SimulatedController {
  readonly signal = new SimulatedSignal()

  abort(reason: unknown = new DOMException('The operation was aborted.', 'AbortError')): void {
    this.signal.end(reason)
  }
}

/** They take the place of the globals of the same names. */
export const simulatedAbort = { AbortController: SimulatedController, AbortSignal: SimulatedSignal }
