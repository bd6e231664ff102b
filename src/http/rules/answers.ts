// The answers about the rules of business: their schemas, and the functions that write them.

import { Type, type Static } from '@sinclair/typebox'
import { limitNames, tradingStates, type LimitName, type Limits } from '../../domain/rules.ts'
import type { Instrument as StoredInstrument, TickerTrading, Trading, TradingOverview } from '../../store/rulePages.ts'
import { rulesChangeKinds, type StoredChange } from '../../store/rules.ts'
import { exactAmount } from '../../wire/exactAmount.ts'
import { AmountOrNull, Instant, oneOf, openList, orNull, Ticker } from '../../wire/shapes.ts'
import { NextCursor } from '../exchange/cursor.ts'

const Epoch = Type.Integer({ minimum: 1, description: 'Each change of a rule raises it.' })
const By = Type.String({ description: 'Who, as the change says it.' })
const Note = Type.String({ description: 'Why.' })
const State = oneOf(tradingStates)

const notes: Record<LimitName, string> = {
  tickSize: '`price` and `stopPrice` are multiples of it.',
  lotSize: '`quantity` and `displayQuantity` are multiples of it.',
  quantityMin: 'The least `quantity`.',
  quantityMax: 'The greatest `quantity`.',
  notionalMax: 'The greatest `quantity` times `price`, else `stopPrice`, else `referencePrice`.',
  referencePrice: 'The middle of the band.',
  priceBandPercent: '`price` and `stopPrice` differ from `referencePrice` by no more percent.',
}
const limitShapes = Object.fromEntries(
  limitNames.map((name) => [name, Type.Union([...AmountOrNull.anyOf], { description: notes[name] })]),
) as Record<LimitName, typeof AmountOrNull>

export const LimitsShape = Type.Object(limitShapes, {
  component: 'Limits',
  description: 'Null: there is no such limit.',
})

export const Instrument = Type.Object(
  {
    ticker: Ticker,
    state: State,
    ...limitShapes,
    changedAt: Instant,
    by: By,
    note: Note,
    epoch: Epoch,
  },
  {
    component: 'Instrument',
    description:
      'A listed ticker with its own limits. Where one is null, that of `GET /trading` holds. `state` is `HALTED` also where all trading is.',
  },
)

export const InstrumentPage = Type.Object({ instruments: Type.Array(Instrument), nextCursor: NextCursor })

const tradingShapes = {
  state: State,
  since: orNull(Instant),
  changedAt: orNull(Instant),
  by: orNull(By),
  note: orNull(Note),
}

const AllTrading = Type.Object(
  {
    ...tradingShapes,
    limits: LimitsShape,
    halted: Type.Array(Type.Object({ ticker: Ticker, ...tradingShapes }), {
      description: 'Tickers that are halted by themselves: the first 1,000.',
    }),
    haltedCount: Type.Integer({ minimum: 0, description: 'All of them.' }),
    epoch: Epoch,
  },
  {
    component: 'Trading',
    description: 'Whether orders are taken at all, and the limits of tickers that have none of their own.',
  },
)

const OneTrading = Type.Object(
  { ticker: Ticker, ...tradingShapes, all: Type.Object(tradingShapes), epoch: Epoch },
  {
    component: 'TickerTrading',
    description:
      'Orders of the ticker are taken where it and `all` are `ACTIVE`. `since` is null where nothing was ever changed.',
  },
)

/** Of all trading, or of one ticker where the query names it. */
export const TradingAnswer = Type.Union([AllTrading, OneTrading])
const tradingShapesNamed = [AllTrading, OneTrading, LimitsShape, Instrument] as const

const RuleState = Type.Object(
  {
    state: Type.Optional(State),
    since: Type.Optional(orNull(Instant)),
    listed: Type.Optional(Type.Boolean()),
    limits: Type.Optional(LimitsShape),
    cancelOpen: Type.Optional(Type.Literal(true, { description: 'What was open was canceled.' })),
  },
  { component: 'RuleState', description: 'What a change is about, as it was or became.' },
)

export const RuleChange = Type.Object(
  {
    epoch: Epoch,
    at: Instant,
    what: openList(rulesChangeKinds, 'What was changed.'),
    ticker: orNull(Ticker),
    by: By,
    note: Note,
    subject: orNull(Type.String({ description: 'Of the credential; null if callers need none.' })),
    requestId: Type.String(),
    before: RuleState,
    after: RuleState,
  },
  { component: 'RuleChange', description: 'A change of a rule. `ticker` is null for all of them.' },
)

export const RuleChangePage = Type.Object({ changes: Type.Array(RuleChange), nextCursor: NextCursor })

export const ruleSchemas = [...tradingShapesNamed, RuleState, RuleChange] as const

const limitsAnswer = (limits: Limits): Static<typeof LimitsShape> =>
  Object.fromEntries(
    limitNames.map((name) => [name, limits[name] === null ? null : exactAmount(limits[name])]),
  ) as Static<typeof LimitsShape>

const instrumentAnswer = ({ ticker, state, limits, changed, epoch }: StoredInstrument): Static<typeof Instrument> => ({
  ticker,
  state,
  ...limitsAnswer(limits),
  changedAt: changed.at,
  by: changed.by,
  note: changed.note,
  epoch: Number(epoch),
})

/** `nextCursor`: null on the last page. */
export const instrumentPageJson = (instruments: readonly StoredInstrument[], nextCursor: string | null): string =>
  JSON.stringify({
    instruments: instruments.map(instrumentAnswer),
    nextCursor,
  } satisfies Static<typeof InstrumentPage>)

const stateAnswer = ({ state, since, changed }: Trading) => ({
  state,
  since,
  changedAt: changed?.at ?? null,
  by: changed?.by ?? null,
  note: changed?.note ?? null,
})

export const tradingJson = ({ all, limits, halted, haltedCount, epoch }: TradingOverview): string =>
  JSON.stringify({
    ...stateAnswer(all),
    limits: limitsAnswer(limits),
    halted: halted.map((one) => ({ ticker: one.ticker, ...stateAnswer(one) })),
    haltedCount,
    epoch: Number(epoch),
  } satisfies Static<typeof AllTrading>)

export const tickerTradingJson = ({ ticker, own, all, epoch }: TickerTrading): string =>
  JSON.stringify({
    ticker,
    ...stateAnswer(own),
    all: stateAnswer(all),
    epoch: Number(epoch),
  } satisfies Static<typeof OneTrading>)

/** The tables hold `before` and `after` as exact JSON. */
export const ruleChangeJson = ({ before, after, ...change }: StoredChange): string => {
  const { epoch, at, what, ticker, by, note, subject, requestId } = change
  const members = {
    epoch: Number(epoch),
    at,
    what,
    ticker: ticker === '' ? null : ticker,
    by,
    note,
    subject,
    requestId,
  }
  return `${JSON.stringify(members).slice(0, -1)},"before":${before},"after":${after}}`
}

export const ruleChangePageJson = (changes: readonly StoredChange[], nextCursor: string | null): string =>
  `{"changes":[${changes.map(ruleChangeJson).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`
