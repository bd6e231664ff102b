// What became of an attempt to place an order, and what can be done where nobody knows.

import type { Placing, PlacingState } from './placing.ts'

type OutcomeProps = { readonly state: PlacingState; readonly placing: Placing; readonly onOpen: (id: string) => void }

export const Outcome = ({ state, placing, onOpen }: OutcomeProps) => {
  switch (state.kind) {
    case 'editing':
      return null
    case 'sending':
    case 'voiding':
      return (
        <p class="place-outcome" role="status">
          {state.kind === 'sending' ? 'Placing' : 'Making the attempt void'}
        </p>
      )
    case 'voided':
      return (
        <p class="place-outcome" role="status">
          Void: no order of this attempt is there, and none can come.
        </p>
      )
    case 'unknown':
      return (
        <div
          class="place-outcome is-unknown"
          role="alert"
          ref={(element) => element?.scrollIntoView({ block: 'nearest' })}
        >
          <strong>Nobody knows yet whether this order was stored.</strong>
          <span>{state.problem.detail}</span>
          <span>
            Ask again places it once at most: the request has the same key. Void makes certain that it is not there.
          </span>
          <div class="place-answers">
            <button type="button" class="primary" onClick={() => void placing.askAgain()}>
              Ask again
            </button>
            <button type="button" onClick={() => void placing.makeVoid()}>
              Void
            </button>
          </div>
        </div>
      )
    case 'placed':
    case 'exists':
      return (
        <div class="place-outcome is-placed" role="status">
          <span>
            {state.kind === 'placed' ? 'Accepted' : 'It was stored before: nothing was made void'}:{' '}
            {state.order.side === 'BUY' ? 'buy' : 'sell'} <span class="amount">{state.order.quantity}</span>{' '}
            {state.order.ticker}
          </span>
          <button type="button" onClick={() => onOpen(state.order.id)}>
            Show it
          </button>
        </div>
      )
  }
}
