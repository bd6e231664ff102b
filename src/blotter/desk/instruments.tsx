// The tickers that are listed, with their limits.

import { Instant } from '../ui/instant.tsx'
import type { Instrument } from './answers.ts'
import { limitsText, StateWord, type Switch } from './trading.tsx'

const Row = ({ instrument, onSwitch }: { instrument: Instrument; onSwitch: Switch | null }) => {
  const { ticker, state, changedAt, by, note } = instrument
  const isHalted = state === 'HALTED'
  const limits = limitsText(instrument)
  return (
    <tr>
      <th scope="row">
        <code>{ticker}</code>
      </th>
      <td>
        <StateWord state={state} />
      </td>
      <td class="desk-wide">{limits === '' ? 'none of its own' : limits}</td>
      <td class="desk-wide">
        <Instant at={changedAt} /> by {by}: {note}
      </td>
      {onSwitch !== null && (
        <td>
          <button
            type="button"
            class={isHalted ? '' : 'danger'}
            onClick={() => onSwitch(ticker, isHalted ? 'ACTIVE' : 'HALTED')}
          >
            {isHalted ? `Resume ${ticker}` : `Halt ${ticker}`}
          </button>
        </td>
      )}
    </tr>
  )
}

/** `onSwitch` null: this caller may look only. `isCut`: there are more than these. */
export const Instruments = ({
  instruments,
  isCut,
  onSwitch,
}: {
  instruments: readonly Instrument[]
  isCut: boolean
  onSwitch: Switch | null
}) => {
  if (instruments.length === 0)
    return (
      <p class="desk-soft">
        None is listed. Any ticker may be ordered, unless the service was told otherwise (INSTRUMENTS=listed).
      </p>
    )
  return (
    <div class="desk-scroll" tabIndex={0} role="region" aria-label="Table of instruments">
      <table>
        <thead>
          <tr>
            <th scope="col">Ticker</th>
            <th scope="col">Trading</th>
            <th scope="col">Limits</th>
            <th scope="col">Last change</th>
            {onSwitch !== null && <th scope="col">Action</th>}
          </tr>
        </thead>
        <tbody>
          {instruments.map((instrument) => (
            <Row key={instrument.ticker} instrument={instrument} onSwitch={onSwitch} />
          ))}
        </tbody>
      </table>
      {isCut && <p class="desk-soft">These are the first {instruments.length}; the others: GET /instruments.</p>}
    </div>
  )
}
