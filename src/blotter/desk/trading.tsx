// Whether orders are taken: of all tickers, and of each that is halted by itself.

import { useId, useState } from 'preact/hooks'
import { amountText } from '../ui/amountText.ts'
import { Instant } from '../ui/instant.tsx'
import { limitLabels, type Changed, type HaltedTicker, type Limits, type Trading } from './answers.ts'

/** `ticker` null: all trading. Opens the question of who and why. */
export type Switch = (ticker: string | null, to: 'HALTED' | 'ACTIVE') => void

export const StateWord = ({ state }: { state: string }) => (
  <strong class={`desk-state desk-state-${state.toLowerCase()}`}>{state}</strong>
)

const Since = ({ since, by, note }: Changed) =>
  since === null ? null : (
    <span class="desk-soft">
      since <Instant at={since} />
      {by !== null && ` by ${by}`}
      {note !== null && `: ${note}`}
    </span>
  )

/** Those that are set, as text. */
export const limitsText = (limits: Limits): string =>
  Object.entries(limitLabels)
    .filter(([name]) => limits[name as keyof Limits] !== null)
    .map(([name, label]) => `${label} ${amountText(limits[name as keyof Limits])}`)
    .join(', ')

const HaltOne = ({ onSwitch }: { onSwitch: Switch }) => {
  const [ticker, setTicker] = useState('')
  const field = useId()
  return (
    <form
      class="desk-row"
      onSubmit={(event) => {
        event.preventDefault()
        if (ticker.trim() !== '') onSwitch(ticker.trim().toUpperCase(), 'HALTED')
      }}
    >
      <label htmlFor={field}>Ticker</label>
      <input
        id={field}
        class="desk-ticker"
        value={ticker}
        maxLength={16}
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => setTicker(currentTarget.value)}
      />
      <button class="danger" disabled={ticker.trim() === ''}>
        Halt the ticker
      </button>
    </form>
  )
}

const Halted = ({ halted, onSwitch }: { halted: HaltedTicker; onSwitch: Switch | null }) => (
  <li class="desk-row">
    <code>{halted.ticker}</code> <StateWord state={halted.state} /> <Since {...halted} />
    {onSwitch !== null && (
      <button type="button" onClick={() => onSwitch(halted.ticker, 'ACTIVE')}>
        Resume {halted.ticker}
      </button>
    )}
  </li>
)

/** `onSwitch` null: this caller may look only. */
export const TradingState = ({ trading, onSwitch }: { trading: Trading; onSwitch: Switch | null }) => {
  const isHalted = trading.state === 'HALTED'
  const limits = limitsText(trading.limits)
  const unseen = trading.haltedCount - trading.halted.length
  return (
    <>
      <p class="desk-row">
        All trading <StateWord state={trading.state} /> <Since {...trading} />
        {onSwitch !== null && (
          <button
            type="button"
            class={isHalted ? 'primary' : 'danger'}
            onClick={() => onSwitch(null, isHalted ? 'ACTIVE' : 'HALTED')}
          >
            {isHalted ? 'Resume all trading' : 'Halt all trading'}
          </button>
        )}
      </p>
      {trading.halted.length > 0 && (
        <ul class="desk-halted" aria-label="Halted tickers">
          {trading.halted.map((one) => (
            <Halted key={one.ticker} halted={one} onSwitch={onSwitch} />
          ))}
        </ul>
      )}
      {unseen > 0 && <p class="desk-soft">{unseen} more tickers are halted.</p>}
      {onSwitch !== null && <HaltOne onSwitch={onSwitch} />}
      <p class="desk-soft">Limits of tickers that have none of their own: {limits === '' ? 'none' : limits}.</p>
    </>
  )
}
