// FIX's order state matrices (Appendix D, "Order State Changes") as one table of facts, in FIX's terms alone. Runners read it: the domain, the
// service through HTTP and Kafka, FIX messages. `forms.ts` says how a row is played where nothing is ever pending.
//
// A row is FIX's; what this service is does not change it. Where a page has two paths, `steps` is the one that its remainder goes on with, and
// `branches` are the others. The branch "if order is rejected", which nearly every page has in the place of New, stands in A.1.a alone. The 45
// are those of FIX 4.4; 5.0 SP2 has E.1.e beside them, which is E.1.b for another reason.

import { accepted, cancelReject, D, F, G, H, note, report, trade, YX, ZX, ZY, type Step } from './words.ts'

/** `page`: its numbers were read on that page. `suite`: an open test suite asserts them under this title (asyncfix, in thousands). `unverified`:
 * the title was read, the numbers are from memory. */
type Source = { url: string; read: 'page' | 'suite' | 'unverified' }

/** What a row that is not yet applicable waits for. */
export const awaited = {
  replace: 'orders cannot be replaced yet (35=G)',
  bust: 'executions cannot be corrected or busted yet',
  restate: 'an engine cannot restate an order yet',
  halt: 'trading cannot be halted yet',
} as const

export type Awaited = keyof typeof awaited

export type Applies =
  | { is: 'applicable' }
  | { is: 'not yet'; needs: Awaited }
  | { is: 'not applicable'; reason: string }

type Branch = { title: string; steps: readonly Step[]; applies: Applies }

export type Scenario = {
  /** Of FIX 4.4 and later; `EXT`: a life that the matrices do not show, by FIX's rules. */
  id: string
  /** The number in FIX 4.2, for example D7; null: it has none there. */
  fix42: string | null
  title: string
  source: Source
  steps: readonly Step[]
  branches?: readonly Branch[]
  applies: Applies
}

const onixs = (path: string, read: Source['read'] = 'page'): Source => ({
  url: `https://www.onixs.biz/fix-dictionary/${path}.html`,
  read,
})
const online = (fragment: string, read: Source['read']): Source => ({
  url: `https://www.fixtrading.org/online-specification/order-state-changes/#${fragment}`,
  read,
})

const applicable: Applies = { is: 'applicable' }
const notYet = (needs: Awaited): Applies => ({ is: 'not yet', needs })
const notApplicable = (reason: string): Applies => ({ is: 'not applicable', reason })

const open1000 = [D(10000), accepted(10000), trade([10000, 1000, 9000, 1000])] as const
const open2000 = [D(10000), accepted(10000), trade([10000, 2000, 8000, 2000])] as const
const nobodyRefuses = notApplicable('the service cancels what is open: nobody may refuse it')

/** A GTC order over the night: both messages are optional. */
const night = [
  report('DoneForDay', 'DoneForDay', [10000, 2000, 8000, 0], { optional: true }),
  report('Restated', 'PartiallyFilled', [10000, 2000, 8000, 0], { optional: true, execRestatementReason: 1 }),
] as const

export const scenarios: readonly Scenario[] = [
  {
    id: 'A.1.a',
    fix42: 'D1',
    title: 'Filled order',
    source: online('a-vanilla-1', 'suite'),
    steps: [...open2000, trade([10000, 3000, 7000, 1000]), trade([10000, 10000, 0, 7000])],
    branches: [
      {
        title: 'if order is rejected',
        steps: [
          D(10000, { execInst: 'ParticipateDontInitiate' }),
          report('Rejected', 'Rejected', [10000, 0, 0, 0], { ordRejReason: 11 }),
        ],
        applies: applicable,
      },
      {
        title: 'if order is rejected by the exchange, after it was accepted',
        steps: [D(10000), accepted(10000), report('Rejected', 'Rejected', [10000, 0, 0, 0])],
        applies: applicable,
      },
    ],
    applies: applicable,
  },
  {
    id: 'A.1.b',
    fix42: 'D2',
    title: 'Part-filled day order, done for day',
    source: onixs('4.4/app_da.1.b'),
    steps: [
      D(10000, { timeInForce: 'Day' }),
      accepted(10000),
      trade([10000, 2000, 8000, 2000]),
      trade([10000, 3000, 7000, 1000]),
      report('DoneForDay', 'DoneForDay', [10000, 3000, 0, 0]),
    ],
    applies: applicable,
  },
  {
    id: 'B.1.a',
    fix42: 'D3',
    title: 'Cancel request issued for a zero-filled order',
    source: onixs('4.2/app_d3'),
    steps: [
      D(10000),
      accepted(10000),
      F('Y', 'X'),
      report('PendingCancel', 'PendingCancel', [10000, 0, 10000, 0], YX),
      report('Canceled', 'Canceled', [10000, 0, 0, 0], YX),
    ],
    branches: [
      {
        title: 'if rejected by salesperson, trader or exchange',
        steps: [D(10000), accepted(10000), F('Y', 'X'), cancelReject(YX, 'New')],
        applies: nobodyRefuses,
      },
    ],
    applies: applicable,
  },
  {
    id: 'B.1.b',
    fix42: 'D4',
    title: 'Cancel request issued for a part-filled order — executions occur whilst cancel request is active',
    source: onixs('4.4/app_db.1.b'),
    steps: [
      ...open2000,
      F('Y', 'X'),
      trade([10000, 5000, 5000, 3000]),
      report('PendingCancel', 'PendingCancel', [10000, 5000, 5000, 0], YX),
      trade([10000, 6000, 4000, 1000], 'PendingCancel'),
      report('Canceled', 'Canceled', [10000, 6000, 0, 0], YX),
    ],
    branches: [
      {
        title: 'if request is rejected',
        steps: [...open2000, F('Y', 'X'), trade([10000, 5000, 5000, 3000]), cancelReject(YX, 'PartiallyFilled')],
        applies: nobodyRefuses,
      },
    ],
    applies: applicable,
  },
  {
    id: 'B.1.c',
    fix42: 'D5',
    title: 'Cancel request issued for an order that becomes filled before cancel request can be accepted',
    source: onixs('5.0.sp1/app_db.1.c'),
    steps: [
      ...open2000,
      F('Y', 'X'),
      trade([10000, 5000, 5000, 3000]),
      report('PendingCancel', 'PendingCancel', [10000, 5000, 5000, 0], YX),
      trade([10000, 10000, 0, 5000], 'PendingCancel'),
      cancelReject(YX, 'Filled', 0),
    ],
    applies: applicable,
  },
  {
    id: 'B.1.d',
    fix42: null,
    title: 'Cancel request issued for an order that has not yet been acknowledged',
    source: onixs('4.4/app_d', 'unverified'),
    steps: [
      D(10000),
      F('Y', 'X'),
      report('PendingCancel', 'PendingCancel', [10000, 0, 10000, 0], YX),
      report('New', 'PendingCancel', [10000, 0, 10000, 0]),
      report('Canceled', 'Canceled', [10000, 0, 0, 0], YX),
    ],
    applies: applicable,
  },
  {
    id: 'B.1.e',
    fix42: null,
    title:
      'Cancel request issued for an order that has not yet been acknowledged — the acknowledgment and the cancel request "cross"',
    source: onixs('5.0.sp1/app_db.1.e'),
    steps: [
      D(10000),
      F('Y', 'X'),
      accepted(10000),
      report('PendingCancel', 'PendingCancel', [10000, 0, 10000, 0], YX),
      report('Canceled', 'Canceled', [10000, 0, 0, 0], YX),
    ],
    applies: applicable,
  },
  {
    id: 'B.1.f',
    fix42: null,
    title: 'Cancel request issued for an unknown order',
    source: onixs('4.3/app_d7a'),
    // The page says below its table that the refusal does not use the id; the last two steps are that.
    steps: [F('Y', 'X'), cancelReject(YX, 'Rejected', 1, { orderId: 'NONE' }), D(10000), accepted(10000)],
    applies: applicable,
  },
  {
    id: 'C.1.a',
    fix42: 'D6',
    title: 'Zero-filled order, cancel/replace request issued to increase order qty',
    source: onixs('4.2/app_d', 'suite'),
    steps: [
      D(10000),
      accepted(10000),
      G('Y', 'X', 11000),
      report('PendingReplace', 'PendingReplace', [10000, 0, 10000, 0], YX),
      report('Replaced', 'New', [11000, 0, 11000, 0], YX),
    ],
    branches: [
      {
        title: 'if request is rejected',
        steps: [D(10000), accepted(10000), G('Y', 'X', 11000), cancelReject(YX, 'New')],
        applies: notYet('replace'),
      },
    ],
    applies: notYet('replace'),
  },
  {
    id: 'C.1.b',
    fix42: 'D7',
    title:
      'Part-filled order, followed by cancel/replace request to increase order qty, execution occurs whilst order is pending replace',
    source: onixs('5.0.sp1/app_dc.1.b'),
    steps: [
      ...open1000,
      G('Y', 'X', 12000),
      report('PendingReplace', 'PendingReplace', [10000, 1000, 9000, 0], YX),
      trade([10000, 1100, 8900, 100], 'PendingReplace'),
      report('Replaced', 'PartiallyFilled', [12000, 1100, 10900, 0], YX),
      trade([12000, 12000, 0, 10900], 'Filled', { clOrdId: 'Y' }),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'C.1.c',
    fix42: 'D8',
    title: 'Filled order, followed by cancel/replace request to increase order quantity',
    source: onixs('4.2/app_d', 'suite'),
    steps: [
      D(10000),
      accepted(10000),
      trade([10000, 10000, 0, 10000]),
      G('Y', 'X', 12000),
      report('PendingReplace', 'PendingReplace', [10000, 10000, 0, 0], YX),
      report('Replaced', 'PartiallyFilled', [12000, 10000, 2000, 0], YX),
      trade([12000, 12000, 0, 2000], 'Filled', { clOrdId: 'Y' }),
    ],
    branches: [
      {
        title: 'if request is rejected',
        steps: [
          D(10000),
          accepted(10000),
          trade([10000, 10000, 0, 10000]),
          G('Y', 'X', 12000),
          cancelReject(YX, 'Filled'),
        ],
        applies: notYet('replace'),
      },
    ],
    applies: notYet('replace'),
  },
  {
    id: 'C.2.a',
    fix42: 'D9',
    title: 'Cancel/replace request (not for quantity change) is rejected as a fill has occurred',
    source: onixs('4.4/app_dC.2.a'),
    steps: [...open1000, G('Y', 'X', 10000), trade([10000, 10000, 0, 9000]), cancelReject(YX, 'Filled', 0)],
    applies: notYet('replace'),
  },
  {
    id: 'C.3.a',
    fix42: 'D10',
    title:
      'Cancel/replace request sent whilst execution is being reported — the requested order qty exceeds the cum qty. Order is replaced then filled',
    source: onixs('4.2/app_d10'),
    steps: [
      ...open1000,
      G('Y', 'X', 8000),
      trade([10000, 1500, 8500, 500]),
      report('PendingReplace', 'PendingReplace', [10000, 1500, 8500, 0], YX),
      trade([10000, 1600, 8400, 100], 'PendingReplace'),
      report('Replaced', 'PartiallyFilled', [8000, 1600, 6400, 0], YX),
      trade([8000, 8000, 0, 6400], 'Filled', { clOrdId: 'Y' }),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'C.3.b',
    fix42: 'D11',
    title:
      'Cancel/replace request sent whilst execution is being reported — the requested order qty equals the cum qty — order qty is amended to cum qty',
    source: onixs('4.2/app_d11'),
    steps: [
      D(10000),
      accepted(10000),
      G('Y', 'X', 7000),
      trade([10000, 7000, 3000, 7000]),
      report('Replaced', 'Filled', [7000, 7000, 0, 0], YX),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'C.3.c',
    fix42: 'D12',
    title:
      'Cancel/replace request sent whilst execution is being reported — the requested order qty is below cum qty — order qty is amended to cum qty',
    source: onixs('4.2/app_d', 'suite'),
    steps: [
      D(10000),
      accepted(10000),
      G('Y', 'X', 7000),
      trade([10000, 8000, 2000, 8000]),
      report('Replaced', 'Filled', [8000, 8000, 0, 0], YX),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'D.1.a',
    fix42: 'D13',
    title: 'One cancel/replace request is issued which is accepted — another one is issued which is also accepted',
    source: onixs('5.0.sp2.ep272/app_dD.1.a'),
    steps: [
      ...open1000,
      G('Y', 'X', 8000),
      report('PendingReplace', 'PendingReplace', [10000, 1000, 9000, 0], YX),
      trade([10000, 1500, 8500, 500], 'PendingReplace'),
      report('Replaced', 'PartiallyFilled', [8000, 1500, 6500, 0], YX),
      trade([8000, 3500, 4500, 2000], 'PartiallyFilled', { clOrdId: 'Y' }),
      G('Z', 'Y', 6000),
      report('PendingReplace', 'PendingReplace', [8000, 3500, 4500, 0], ZY),
      trade([8000, 4000, 4000, 500], 'PendingReplace', { clOrdId: 'Y' }),
      report('Replaced', 'PartiallyFilled', [6000, 4000, 2000, 0], ZY),
      trade([6000, 6000, 0, 2000], 'Filled', { clOrdId: 'Z' }),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'D.1.b',
    fix42: 'D14',
    title:
      'One cancel/replace request is issued which is rejected before order becomes pending replace — then another one is issued which is accepted',
    source: onixs('4.3/app_d16'),
    steps: [
      ...open1000,
      G('Y', 'X', 8000),
      cancelReject(YX, 'PartiallyFilled'),
      trade([10000, 1500, 8500, 500]),
      trade([10000, 3500, 6500, 2000]),
      G('Z', 'X', 6000),
      report('PendingReplace', 'PendingReplace', [10000, 3500, 6500, 0], ZX),
      report('Replaced', 'PartiallyFilled', [6000, 3500, 2500, 0], ZX),
      trade([6000, 5000, 1000, 1500], 'PartiallyFilled', { clOrdId: 'Z' }),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'D.1.c',
    fix42: 'D15',
    title:
      'One cancel/replace request is issued which is rejected after it is in pending replace — then another one is issued which is accepted',
    source: onixs('5.0.sp1/app_dD.1.c'),
    steps: [
      ...open1000,
      G('Y', 'X', 8000),
      report('PendingReplace', 'PendingReplace', [10000, 1000, 9000, 0], YX),
      trade([10000, 1500, 8500, 500], 'PendingReplace'),
      cancelReject(YX, 'PartiallyFilled'),
      trade([10000, 3500, 6500, 2000]),
      G('Z', 'X', 6000),
      report('PendingReplace', 'PendingReplace', [10000, 3500, 6500, 0], ZX),
      report('Replaced', 'PartiallyFilled', [6000, 3500, 2500, 0], ZX),
      trade([6000, 5000, 1000, 1500], 'PartiallyFilled', { clOrdId: 'Z' }),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'D.2.a',
    fix42: 'D16',
    title: 'One cancel/replace request is issued followed immediately by another — broker processes sequentially',
    source: onixs('4.2/app_d', 'unverified'),
    steps: [
      ...open1000,
      G('Y', 'X', 8000),
      G('Z', 'Y', 7000),
      report('PendingReplace', 'PendingReplace', [10000, 1000, 9000, 0], YX),
      report('Replaced', 'PartiallyFilled', [8000, 1000, 7000, 0], YX),
      report('PendingReplace', 'PendingReplace', [8000, 1000, 7000, 0], ZY),
      report('Replaced', 'PartiallyFilled', [7000, 1000, 6000, 0], ZY),
      trade([7000, 7000, 0, 6000], 'Filled', { clOrdId: 'Z' }),
    ],
    applies: notApplicable('an order has one pending change at a time: chains are not served'),
  },
  {
    id: 'D.2.b',
    fix42: null,
    title:
      'One cancel/replace request is issued followed immediately by another — broker processes pending replaces before replaces',
    source: onixs('5.0.sp2/app_dD.2.b'),
    steps: [
      ...open1000,
      G('Y', 'X', 8000),
      G('Z', 'Y', 7000),
      report('PendingReplace', 'PendingReplace', [10000, 1000, 9000, 0], YX),
      report('PendingReplace', 'PendingReplace', [8000, 1000, 7000, 0], ZX),
      report('Replaced', 'PendingReplace', [8000, 1000, 7000, 0], YX),
      report('Replaced', 'PartiallyFilled', [7000, 1000, 6000, 0], ZY),
      trade([7000, 7000, 0, 6000], 'Filled', { clOrdId: 'Z' }),
    ],
    applies: notApplicable('an order has one pending change at a time: chains are not served'),
  },
  {
    id: 'D.2.c',
    fix42: 'D17',
    title:
      'One cancel/replace request is issued followed immediately by another — broker rejects the second as order is pending replace',
    source: onixs('4.3/app_d21'),
    steps: [
      ...open1000,
      G('Y', 'X', 8000),
      G('Z', 'Y', 7000),
      report('PendingReplace', 'PendingReplace', [10000, 1000, 9000, 0], YX),
      cancelReject(ZX, 'PendingReplace', 3),
      report('Replaced', 'PartiallyFilled', [8000, 1000, 7000, 0], YX),
      trade([8000, 3000, 5000, 2000], 'PartiallyFilled', { clOrdId: 'Y' }),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'E.1.a',
    fix42: 'D18',
    title: 'Telephoned order',
    source: onixs('4.4/app_dE.1.a'),
    steps: [
      note('an order for 10000 is phoned to the broker'),
      // The page has LeavesQty 0 here.
      report('New', 'New', [10000, 0, 0, 0]),
      trade([10000, 2000, 8000, 2000]),
      trade([10000, 3000, 7000, 1000]),
      trade([10000, 10000, 0, 7000]),
    ],
    applies: notApplicable('every order comes through a door of the service'),
  },
  {
    id: 'E.1.b',
    fix42: 'D19',
    title: 'Unsolicited cancel of a part-filled order',
    source: onixs('5.0.sp1/app_dE.1.b'),
    steps: [
      ...open1000,
      note('the broker agrees to cancel the order'),
      report('Canceled', 'Canceled', [10000, 1000, 0, 0], { execRestatementReason: 2 }),
    ],
    applies: applicable,
  },
  {
    id: 'E.1.c',
    fix42: 'D20',
    title: 'Unsolicited replacement of a part-filled order',
    source: onixs('5.0.sp2/app_de.1.c'),
    steps: [
      D(10000),
      accepted(10000),
      note('the broker agrees to increase the order quantity to 11000'),
      report('Restated', 'New', [11000, 0, 11000, 0], { execRestatementReason: 2 }),
      trade([11000, 1000, 10000, 1000]),
      note('the broker agrees to increase the order quantity to 12000'),
      report('Restated', 'PartiallyFilled', [12000, 1000, 11000, 0], { execRestatementReason: 2 }),
    ],
    applies: notYet('restate'),
  },
  {
    id: 'E.1.d',
    fix42: 'D21',
    title:
      'Unsolicited reduction of order quantity by sell side (e.g. for US ECNs to communicate Nasdaq SelectNet declines)',
    source: onixs('4.2/app_d21'),
    steps: [
      D(10000),
      accepted(10000),
      report('Restated', 'New', [9000, 0, 9000, 0], { execRestatementReason: 5 }),
      trade([9000, 9000, 0, 9000]),
    ],
    applies: notYet('restate'),
  },
  {
    id: 'F.1.a',
    fix42: 'D22',
    title: 'Order rejected due to duplicate ClOrdID',
    source: onixs('4.4/app_d', 'unverified'),
    steps: [...open1000, D(15000), report('Rejected', 'PartiallyFilled', [10000, 1000, 9000, 0], { ordRejReason: 6 })],
    applies: applicable,
  },
  {
    id: 'F.1.b',
    fix42: 'D31',
    title: 'Poss resend and duplicate ClOrdID',
    source: onixs('5.0/app_df.1.b'),
    steps: [
      D(10000),
      accepted(10000),
      D(10000, { possResend: true }),
      report('OrderStatus', 'New', [10000, 0, 10000, null]),
      D(20000),
      report('Rejected', 'New', [10000, 0, 10000, null], { ordRejReason: 6 }),
      D(15000, { clOrdId: 'Y', possResend: true }),
      report('New', 'New', [15000, 0, 15000, 0], { clOrdId: 'Y' }),
    ],
    applies: applicable,
  },
  {
    id: 'F.1.c',
    fix42: 'D23',
    title: 'Order rejected because the order has already been verbally submitted',
    source: onixs('4.2/app_d23'),
    steps: [
      D(10000),
      note('the order does not arrive, and is passed verbally; then it arrives'),
      report('Rejected', 'Rejected', [10000, 0, 0, 0], { ordRejReason: 7 }),
    ],
    applies: notApplicable('no order is passed verbally'),
  },
  {
    id: 'G.1.a',
    fix42: 'D24',
    title: 'Order status request rejected for unknown order',
    source: onixs('4.2/app_d', 'unverified'),
    steps: [H('X'), report('OrderStatus', 'Rejected', [0, 0, 0, null], { orderId: 'NONE' })],
    applies: applicable,
  },
  {
    id: 'G.1.b',
    fix42: 'D25',
    title: 'Transmitting a CMS-style "Nothing Done" in response to a status request',
    source: onixs('4.2/app_d', 'unverified'),
    steps: [D(10000), accepted(10000), H('X'), report('OrderStatus', 'New', [10000, 0, 10000, null])],
    applies: notApplicable('"Nothing Done" is a text of CMS'),
  },
  {
    id: 'G.1.c',
    fix42: 'D26',
    title: 'Order sent, immediately followed by a status request. Subsequent status requests sent during life of order',
    source: onixs('4.2/app_d', 'unverified'),
    steps: [
      D(10000),
      accepted(10000),
      H('X'),
      report('OrderStatus', 'New', [10000, 0, 10000, null]),
      trade([10000, 2000, 8000, 2000]),
      H('X'),
      report('OrderStatus', 'PartiallyFilled', [10000, 2000, 8000, null]),
      trade([10000, 10000, 0, 8000]),
      H('X'),
      report('OrderStatus', 'Filled', [10000, 10000, 0, null]),
    ],
    applies: applicable,
  },
  {
    id: 'H.1.a',
    fix42: 'D27',
    title: 'GTC order partially filled, restated (renewed) and partially filled the following day',
    source: onixs('4.2/app_d27'),
    steps: [...open2000, ...night, trade([10000, 3000, 7000, 1000])],
    applies: applicable,
  },
  {
    id: 'H.1.b',
    fix42: 'D28',
    title: 'GTC order with partial fill, a 2:1 stock split then a partial fill and fill the following day',
    source: onixs('4.2/app_d', 'unverified'),
    steps: [
      ...open2000,
      night[0],
      report('Restated', 'PartiallyFilled', [20000, 4000, 16000, 0], { execRestatementReason: 0 }),
      trade([20000, 5000, 15000, 1000]),
      trade([20000, 20000, 0, 15000]),
    ],
    applies: notApplicable('the service knows no corporate actions'),
  },
  {
    id: 'H.1.c',
    fix42: 'D29',
    title: 'GTC order partially filled, restated (renewed) and canceled the following day',
    source: onixs('4.2/app_d29'),
    steps: [
      ...open2000,
      ...night,
      F('Y', 'X'),
      report('PendingCancel', 'PendingCancel', [10000, 2000, 8000, 0], YX),
      report('Canceled', 'Canceled', [10000, 2000, 0, 0], YX),
    ],
    applies: applicable,
  },
  {
    id: 'H.1.d',
    fix42: 'D30',
    title: 'GTC order partially filled, restated (renewed) followed by replace request to increase quantity',
    source: onixs('4.2/app_d30'),
    steps: [
      ...open2000,
      ...night,
      G('Y', 'X', 15000),
      report('PendingReplace', 'PendingReplace', [10000, 2000, 8000, 0], YX),
      trade([10000, 3000, 7000, 1000], 'PendingReplace'),
      report('Replaced', 'PartiallyFilled', [15000, 3000, 12000, 0], YX),
    ],
    applies: notYet('replace'),
  },
  {
    id: 'I.1.a',
    fix42: 'D32',
    title: 'Fill or Kill order cannot be filled',
    // The page says in prose which ExecType ends such an order.
    source: onixs('4.1/app_d', 'unverified'),
    steps: [D(10000, { timeInForce: 'FillOrKill' }), accepted(10000), report('Canceled', 'Canceled', [10000, 0, 0, 0])],
    applies: applicable,
  },
  {
    id: 'I.1.b',
    fix42: 'D33',
    title: 'Immediate or Cancel order that cannot be immediately hit',
    source: onixs('4.1/app_d', 'unverified'),
    steps: [
      D(10000, { timeInForce: 'ImmediateOrCancel' }),
      accepted(10000),
      trade([10000, 1000, 9000, 1000]),
      report('Canceled', 'Canceled', [10000, 1000, 0, 0]),
    ],
    branches: [
      {
        title: 'nothing of it is hit',
        steps: [
          D(10000, { timeInForce: 'ImmediateOrCancel' }),
          accepted(10000),
          report('Canceled', 'Canceled', [10000, 0, 0, 0]),
        ],
        applies: applicable,
      },
    ],
    applies: applicable,
  },
  {
    id: 'J.1.a',
    fix42: 'D34',
    title: 'Filled order, followed by correction and cancellation of executions',
    source: onixs('5.0/app_dj.1.a'),
    steps: [
      D(10000),
      accepted(10000),
      trade([10000, 1000, 9000, 1000], 'PartiallyFilled', { lastPx: 100, avgPx: 100 }),
      trade([10000, 10000, 0, 9000], 'Filled', { lastPx: 110, avgPx: 109 }),
      report('TradeCancel', 'PartiallyFilled', [10000, 9000, 1000, 0], { avgPx: 110 }),
      report('TradeCorrect', 'PartiallyFilled', [10000, 9000, 1000, 9000], { lastPx: 100, avgPx: 100 }),
      trade([10000, 10000, 0, 1000], 'Filled', { lastPx: 120, avgPx: 102 }),
      report('TradeCorrect', 'Filled', [10000, 10000, 0, 9000], { lastPx: 120, avgPx: 120 }),
      G('Y', 'X', 12000),
      report('PendingReplace', 'PendingReplace', [10000, 10000, 0, 0], { ...YX, avgPx: 120 }),
      report('Replaced', 'PartiallyFilled', [12000, 10000, 2000, 0], { ...YX, avgPx: 120 }),
      report('TradeCorrect', 'PartiallyFilled', [12000, 10500, 1500, 9500], { clOrdId: 'Y', lastPx: 120, avgPx: 120 }),
    ],
    applies: notYet('bust'),
  },
  {
    id: 'J.1.b',
    fix42: 'D35',
    title: 'A canceled order followed by a busted execution and a new execution',
    source: onixs('5.0.SP2/app_dJ.1.b'),
    steps: [
      D(10000),
      accepted(10000),
      trade([10000, 5000, 5000, 5000], 'PartiallyFilled', { lastPx: 50 }),
      F('Y', 'X'),
      report('PendingCancel', 'PendingCancel', [10000, 5000, 5000, 0], YX),
      report('Canceled', 'Canceled', [10000, 5000, 0, 0], YX),
      report('TradeCancel', 'Canceled', [10000, 0, 0, 0]),
      trade([10000, 4000, 0, 4000], 'Canceled', { lastPx: 51 }),
    ],
    applies: notYet('bust'),
  },
  {
    id: 'J.1.c',
    fix42: 'D36',
    title:
      'GTC order partially filled, restated (renewed) and partially filled the following day, with corrections of quantity on both executions',
    source: onixs('4.2/app_d36'),
    steps: [
      ...open2000,
      ...night,
      trade([10000, 3000, 7000, 1000]),
      report('TradeCorrect', 'PartiallyFilled', [10000, 2500, 7500, 1500]),
      report('TradeCorrect', 'PartiallyFilled', [10000, 2000, 8000, 500]),
    ],
    applies: notYet('bust'),
  },
  {
    id: 'J.1.d',
    fix42: null,
    title: 'Part-filled order, done for day, followed by trade correction and bust',
    source: onixs('5.0.sp2.ep289/app_dJ.1.d'),
    steps: [
      D(10000, { timeInForce: 'Day' }),
      accepted(10000),
      trade([10000, 5000, 5000, 5000], 'PartiallyFilled', { lastPx: 50 }),
      report('DoneForDay', 'DoneForDay', [10000, 5000, 0, 0]),
      report('TradeCorrect', 'DoneForDay', [10000, 4000, 0, 4000], { lastPx: 50 }),
      report('TradeCancel', 'DoneForDay', [10000, 0, 0, 0]),
    ],
    applies: notYet('bust'),
  },
  {
    id: 'K.1.a',
    fix42: null,
    title: 'Trading halt — reinstate',
    source: onixs('5.0.sp2/app_d', 'unverified'),
    steps: [
      D(10000),
      accepted(10000),
      report('Suspended', 'Suspended', [10000, 0, 10000, 0]),
      report('New', 'New', [10000, 0, 10000, 0]),
    ],
    applies: notYet('halt'),
  },
  {
    id: 'K.1.b',
    fix42: null,
    title: 'Trading halt — cancel',
    source: onixs('5.0.sp2/app_d', 'unverified'),
    steps: [D(10000), accepted(10000), report('Canceled', 'Canceled', [10000, 0, 0, 0], { execRestatementReason: 6 })],
    applies: notYet('halt'),
  },
  {
    id: 'L.1.a',
    fix42: 'D37',
    title: 'Transmitting a guarantee of execution prior to execution (Stopped/Guarantee)',
    source: onixs('5.0.sp2/app_dL.1.a'),
    steps: [
      D(10000),
      accepted(10000),
      report('Stopped', 'Stopped', [10000, 0, 10000, 1000], { lastPx: 50.1 }),
      trade([10000, 1000, 9000, 1000], 'Stopped', { lastPx: 50 }),
    ],
    applies: notApplicable('no engine guarantees executions'),
  },
  {
    id: 'L.1.b',
    fix42: null,
    title: 'Use of CashOrderQty',
    source: onixs('5.0.sp2.ep287/app_dL.1.b'),
    steps: [
      D(0, { cashOrderQty: 10000 }),
      accepted(500),
      trade([500, 200, 300, 200], 'PartiallyFilled', { lastPx: 20.1 }),
      trade([500, 500, 0, 300], 'Filled', { lastPx: 20.2 }),
    ],
    applies: notApplicable('an order asks for a quantity, never for an amount of money'),
  },
  {
    id: 'EXT.1',
    fix42: null,
    title: 'Part-filled order expires; a fill of before its end comes late (as J.1.b has it of a canceled order)',
    source: onixs('5.0.SP2/app_dJ.1.b'),
    steps: [
      D(10000, { timeInForce: 'GoodTillDate' }),
      accepted(10000),
      trade([10000, 3000, 7000, 3000]),
      report('Expired', 'Expired', [10000, 3000, 0, 0]),
      trade([10000, 7000, 0, 4000], 'Expired'),
    ],
    branches: [
      {
        title: 'nothing of it was filled',
        steps: [
          D(10000, { timeInForce: 'GoodTillDate' }),
          accepted(10000),
          report('Expired', 'Expired', [10000, 0, 0, 0]),
        ],
        applies: applicable,
      },
    ],
    applies: applicable,
  },
  {
    id: 'EXT.2',
    fix42: null,
    title: 'Stop order waits, is triggered and filled',
    source: onixs('4.4/tagNum_150', 'unverified'),
    steps: [
      D(10000, { stopPx: 120 }),
      accepted(10000),
      report('Triggered', 'New', [10000, 0, 10000, 0], { lastPx: 120 }),
      trade([10000, 4000, 6000, 4000]),
      trade([10000, 10000, 0, 6000]),
    ],
    branches: [
      {
        title: 'it is canceled while it waits',
        steps: [
          D(10000, { stopPx: 120 }),
          accepted(10000),
          F('Y', 'X'),
          report('PendingCancel', 'PendingCancel', [10000, 0, 10000, 0], YX),
          report('Canceled', 'Canceled', [10000, 0, 0, 0], YX),
        ],
        applies: applicable,
      },
    ],
    applies: applicable,
  },
]
