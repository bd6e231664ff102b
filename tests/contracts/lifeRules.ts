// The contract's rules of an order's life, each with the tests that hold it, by their names. A rule whose tests are renamed or go away is seen.

/** `tests`: file under tests/, then (part of) the name as it stands there. `notYet`: why nothing holds it yet. */
export type Rule = { rule: string } & (
  | { tests: readonly (readonly [file: string, name: string])[] }
  | { notYet: string }
)

const transitions: readonly Rule[] = [
  {
    rule: 'An order is accepted as NEW',
    tests: [['domain/order.test.ts', 'is NEW, unfilled, at version 0']],
  },
  {
    rule: 'An order that a rule of business refuses is REJECTED from the start',
    tests: [['http/orders/newOrders.test.ts', 'is refused with its reason and the order as it is stored']],
  },
  {
    rule: 'NEW, stop price met: NEW with triggeredAt',
    tests: [
      ['store/stops.test.ts', 'gives the stop its time and next version, writes its log, and appends its placement'],
    ],
  },
  {
    rule: 'NEW, PARTIALLY_FILLED, fill: PARTIALLY_FILLED, FILLED',
    tests: [
      ['domain/order.test.ts', 'that leaves some quantity makes the order PARTIALLY_FILLED'],
      ['domain/order.test.ts', 'that leaves none makes it FILLED'],
    ],
  },
  {
    rule: 'NEW, PARTIALLY_FILLED, canceled: CANCELED; fills are kept; POST …/cancel only of NEW',
    tests: [
      [
        'http/orders/cancel.test.ts',
        'cancels what remains of an order that was filled in part, and its fills are kept',
      ],
      ['app/cancel.test.ts', 'one that needs the order NEW does not keep another from what remains'],
    ],
  },
  {
    rule: 'NEW, PARTIALLY_FILLED, expired: EXPIRED; fills are kept',
    tests: [
      ['store/moves.test.ts', 'leaves what was filled of an order as it is, whatever becomes of it'],
      ['app/expiry.test.ts', 'a partial fill before it does not stop the timer'],
    ],
  },
  {
    rule: 'NEW, engine report REJECTED: REJECTED',
    tests: [['domain/report.test.ts', '%s ends a new order as %s, with the words of the engine']],
  },
  {
    rule: 'Final is final',
    tests: [['domain/order.test.ts', 'no sequence of events leaves a final status']],
  },
  {
    rule: 'The same table guards the database',
    tests: [['store/moves.test.ts', 'of a %s order, %s: as the table of transitions has it']],
  },
  {
    rule: 'A LATE leg that leaves a remainder publishes the cancellation again, with an eventId of its own',
    tests: [
      ['app/fill.test.ts', 'of an order that is %s tells the engine of that again: %j'],
      ['app/fill.test.ts', 'tells it once, however many of them are written together, and again with the next'],
      ['app/fill.test.ts', 'and no other: one that leaves nothing, one that came before, one that is refused'],
    ],
  },
  {
    rule: 'A leg of a stop that was not published is a MISMATCH',
    tests: [['domain/leg.test.ts', 'a stop that no engine knows']],
  },
  {
    rule: 'Orders of 1.0 keep expiresAt: null and are not ended',
    tests: [['app/expiry.test.ts', 'an order without expiresAt goes on, as those of 1.0 do']],
  },
]

const stops: readonly Rule[] = [
  {
    rule: 'A stop waits, unknown to the engine',
    tests: [['http/orders/newOrders.test.ts', 'a stop is told to no engine, and every other order is']],
  },
  {
    rule: 'It triggers at a price ≥ stopPrice (BUY) or ≤ (SELL)',
    tests: [
      [
        'store/stops.test.ts',
        'finds a ticker where a BUY waits at the highest price or below, or a SELL at the lowest or above',
      ],
    ],
  },
  {
    rule: 'Every decodable trade counts, whatever became of its legs and whosever they are',
    tests: [
      [
        'kafka/trades/stops.test.ts',
        'though both of its orders are of others, whether its legs become dead letters or not',
      ],
      ['kafka/trades/stops.test.ts', 'though its leg is refused'],
    ],
  },
  {
    rule: 'Not one that is older than the stop by more than STOP_TRADE_TOLERANCE_MS',
    tests: [
      ['kafka/trades/stops.test.ts', 'at a trade as old as the tolerance allows, it does: engines stamp whole seconds'],
      ['store/stops.test.ts', 'does not find a stop that is younger than the latest trade by more than the tolerance'],
    ],
  },
  {
    rule: 'Never one that is sent again from the dead letters (x-redriven-from)',
    tests: [['kafka/trades/stops.test.ts', 'that is sent again from the dead letters']],
  },
  {
    rule: 'It triggers exactly once, even when trades are redelivered',
    tests: [
      ['kafka/trades/stops.test.ts', 'though the batch comes again'],
      ['kafka/trades/stops.test.ts', 'though two replicas handle the batch at the same time'],
    ],
  },
  {
    rule: 'One past its expiresAt does not trigger; of cancel, expiry and trigger exactly one wins',
    tests: [
      ['store/stops.test.ts', 'does not trigger a stop that passes its end while it waits for the lock'],
      ['store/stops.test.ts', 'waits for whoever holds the stop, and triggers it if that one gives up'],
    ],
  },
  {
    rule: 'Publication goes trade by trade; in one trade SELL by falling, BUY by rising stopPrice, then id',
    tests: [
      ['store/stops.test.ts', 'goes trade by trade; in one trade SELL by falling and BUY by rising price, then by id'],
      ['kafka/trades/stops.test.ts', 'is that of the trades of a batch: 100, 95, 102'],
    ],
  },
  {
    rule: 'A stop already beyond the market triggers at the next trade',
    tests: [
      [
        'kafka/trades/stops.test.ts',
        'that was beyond the market from the start: the next trade, wherever the price stood',
      ],
    ],
  },
  {
    rule: 'Canceling a waiting stop tells no engine',
    tests: [
      ['http/orders/cancel.test.ts', 'tells no engine of a stop that waits'],
      ['store/moves.test.ts', 'tells no engine of the end of a stop that waits, but of one that was triggered'],
    ],
  },
  {
    rule: 'A trade made while the ticker is halted triggers nothing, then or later',
    notYet: 'trading cannot be halted yet',
  },
]

const expiry: readonly Rule[] = [
  {
    rule: 'GTD ends as given',
    tests: [['http/orders/newOrders.test.ts', 'GTD says its end, cut to the millisecond and in UTC']],
  },
  {
    rule: 'DAY ends at the next close of the session; daylight saving, holidays and early closes are right',
    tests: [
      ['app/expiresAt.test.ts', 'is the close for DAY, and nothing that the service fixes for the others'],
      ['domain/session.test.ts', 'New York, over its beginning'],
      ['domain/session.test.ts', 'no session on a holiday, the early close after it'],
      ['app/expiresAt.test.ts', 'is read again when it changes; a broken one keeps the last and is logged'],
      ['e2e/expiry.test.ts', 'goes out as GTC, is told at the close, and follows the trade topic'],
    ],
  },
  {
    rule: 'GTC ends after GTC_MAX_DAYS (0: never)',
    tests: [['app/expiresAt.test.ts', 'is an age for GTC where GTC_MAX_DAYS says so']],
  },
  {
    rule: 'The engine is told at expiresAt by the clock of the database, however far our own reading is',
    tests: [
      ['app/expiry.test.ts', 'and not before it, whatever the clock of the process says'],
      ['e2e/expiry.test.ts', 'our reading is behind: what was on the topic counts, and the status waits for it'],
    ],
  },
  {
    rule: 'The status follows the trade topic: fills until it was applied count, and the order may become FILLED',
    tests: [
      [
        'app/expiry.test.ts',
        'it waits until the broker has the cancellation, then until all was applied that came in the settling time',
      ],
      ['app/expiry.test.ts', 'fills until then count: an order becomes FILLED instead of EXPIRED'],
    ],
  },
  {
    rule: 'Every partition counts that the topic has now, and no other',
    tests: [
      [
        'app/expiry.test.ts',
        'every partition that the topic has now must be read: a new one has no mark that says anything',
      ],
      [
        'app/expiry.test.ts',
        'a partition that the topic no longer has holds up nothing, until there is one of its number again',
      ],
      [
        'kafka/inbound/marks.test.ts',
        'what the topic no longer has is called gone once every answer has left it out for long enough, until the moment of the last',
      ],
    ],
  },
  { rule: 'Later fills are LATE', tests: [['app/expiry.test.ts', 'later ones are late']] },
  {
    rule: 'A waiting stop expires by the clock alone',
    tests: [['app/expiry.test.ts', 'expires by the clock alone, and no engine is told']],
  },
  {
    rule: "What remains of IOC, FOK and MARKET is ended by the engine's report, else by the service after IMMEDIATE_GRACE_MS",
    tests: [
      ['app/expiry.test.ts', 'ends after the grace time, by the same rule, as CANCELED'],
      ['fix/service.test.ts', 'I.1.a and I.1.b: where the engine reports nothing, the service ends what remains'],
    ],
  },
  {
    rule: 'What waits in the outbox never ends so; 0 is never',
    tests: [['app/expiry.test.ts', 'never ends while its placement waits in the outbox, nor with a grace time of 0']],
  },
]

const reports: readonly Rule[] = [
  {
    rule: 'MALFORMED and UNKNOWN_ORDER are dead letters',
    tests: [
      [
        'e2e/reports.test.ts',
        'a report of no order here, and what is no report, become dead letters; their partition goes on',
      ],
      ['app/report.test.ts', 'UNKNOWN_ORDER where there is no such order, or the id is no UUID'],
    ],
  },
  {
    rule: 'DUPLICATE: same order, reportId, kind, ticker and cumulative quantity; CONFLICT: other content',
    tests: [
      ['app/report.test.ts', 'DUPLICATE where it was taken with the same content, whatever it says beside'],
      ['app/report.test.ts', 'CONFLICT where it was taken with other content: the first stands'],
    ],
  },
  {
    rule: 'MISMATCH: other ticker; REJECTED after a fill; not published; cumulativeQuantity below what is filled',
    tests: [
      ['app/report.test.ts', 'MISMATCH where it cannot be about this order'],
      ['app/report.test.ts', 'MISMATCH: REJECTED after a fill, and fewer fills than there are'],
      ['app/report.test.ts', 'MISMATCH of a stop that waits, and of an order that a rule refused'],
    ],
  },
  {
    rule: 'STALE: final already; it confirms our own cancel',
    tests: [
      ['app/report.test.ts', 'STALE where the order is %s already'],
      ['e2e/reports.test.ts', 'our own cancel is confirmed by a report'],
    ],
  },
  {
    rule: 'CANCELED and EXPIRED wait until the ledger has cumulativeQuantity, without it until the topic was applied up to their arrival',
    tests: [
      ['app/report.test.ts', 'waits for the fills it counts: its order ends once the last of them is in the ledger'],
      ['app/report.test.ts', 'without a quantity waits until every partition was applied up to its arrival'],
    ],
  },
  {
    rule: 'At the latest after REPORT_WAIT_MS, as INCOMPLETE',
    tests: [
      ['app/report.test.ts', 'past the limit ends its order all the same, as INCOMPLETE, with the whole message'],
    ],
  },
  {
    rule: 'The wait survives restarts and other replicas',
    tests: [
      ['e2e/reports.test.ts', 'a report that waits is settled by whoever lives: after kill -9 its fills end the order'],
      ['app/report.test.ts', 'settles what another process left behind, and looks again when a report begins to wait'],
    ],
  },
  {
    rule: 'CONFLICT, MISMATCH and INCOMPLETE are listed and resolved',
    tests: [
      [
        'http/exceptions/reportRoutes.test.ts',
        'shows an exception whole: content, reason, coordinates, key and the message as received',
      ],
      ['http/exceptions/reportRoutes.test.ts', 'says who and what, and leaves the order as it was'],
    ],
  },
  {
    rule: 'An IOC order keeps its last fill, though the report of its end is read first',
    tests: [
      [
        'e2e/reports.test.ts',
        'an IOC order whose remainder is reported while its last fill is still on the trade topic keeps that fill',
      ],
    ],
  },
]

const business: readonly Rule[] = [
  {
    rule: 'Refused orders are stored as REJECTED with their reason, are never published, one event, version 0',
    tests: [['http/orders/newOrders.test.ts', 'has one event in its history, and nobody is told of it']],
  },
  {
    rule: 'They use their key',
    tests: [
      [
        'http/orders/newOrders.test.ts',
        'uses its key: the refusal is answered again, also once the engine could do it',
      ],
    ],
  },
  {
    rule: 'They are bounded per caller: beyond REJECTED_PER_MINUTE_MAX 429, nothing stored, key unused',
    tests: [
      ['http/orders/newOrders.test.ts', 'beyond so many a minute is a 429 that stores nothing and leaves the key free'],
    ],
  },
  {
    rule: 'What depends on the clock and on the features of the engine is judged for new keys only',
    tests: [
      ['http/orders/newOrders.test.ts', 'is judged of a new key only: a retry gets its order, whenever it comes'],
      ['http/orders/newOrders.test.ts', 'a key whose order was refused by the clock is free'],
    ],
  },
  { rule: 'Trading states and limits of instruments', notYet: 'halts and instruments are built later' },
]

export const lifeRules: readonly Rule[] = [...transitions, ...stops, ...expiry, ...reports, ...business]
