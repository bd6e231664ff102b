// The desk of an operator: whether orders are taken, and what could not be applied.

import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { mayTry } from '../service/access.ts'
import type { Service } from '../service/service.ts'
import type { PanelProps } from '../ui/panel.ts'
import { ProblemNote } from '../ui/problem.tsx'
import type { Instrument, ReportException, Trading, TradeException } from './answers.ts'
import { Exceptions } from './exceptions.tsx'
import { Instruments } from './instruments.tsx'
import { resolveQuestion, switchQuestion } from './questions.ts'
import { StatementDialog, type Question } from './statement.tsx'
import { TradingState, type Switch } from './trading.tsx'
import { useLive, type Live } from './useLive.ts'
import './desk.css'

/** Opens a question; `onDone` is called when what it asks for was done. */
type Ask = (question: Question, onDone: () => void) => void

const Section = ({ title, children }: { title: string; children: ComponentChildren }) => {
  const heading = useId()
  return (
    <section class="desk-section" aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      {children}
    </section>
  )
}

/** What was read, or that it is being read; above it, why it is not newer. */
const Read = <T,>({ live, children }: { live: Live<T>; children: (value: T) => ComponentChildren }) => (
  <>
    {live.problem !== null && <ProblemNote problem={live.problem} />}
    {live.value !== null && children(live.value)}
    {live.value === null && live.problem === null && <p class="desk-soft">Reading …</p>}
  </>
)

const TradingSections = ({ service, ask, mayChange }: { service: Service; ask: Ask; mayChange: boolean }) => {
  const trading = useLive<Trading>(service, '/trading')
  const instruments = useLive<{ instruments: readonly Instrument[]; nextCursor: string | null }>(
    service,
    '/instruments?limit=100',
  )
  const readBoth = (): void => {
    trading.readNow()
    instruments.readNow()
  }
  const onSwitch: Switch | null = mayChange ? (ticker, to) => ask(switchQuestion(service, ticker, to), readBoth) : null
  return (
    <>
      <Section title="Trading">
        <Read live={trading}>{(value) => <TradingState trading={value} onSwitch={onSwitch} />}</Read>
      </Section>
      <Section title="Instruments">
        <Read live={instruments}>
          {(page) => (
            <Instruments instruments={page.instruments} isCut={page.nextCursor !== null} onSwitch={onSwitch} />
          )}
        </Read>
      </Section>
    </>
  )
}

const lists = [
  { title: 'Exceptions of trades', path: '/exceptions', none: 'Every leg of every trade was applied' },
  { title: 'Exceptions of reports', path: '/exceptions/reports', none: 'Every report of the engine fitted' },
] as const

type ExceptionPage = { exceptions: readonly (TradeException | ReportException)[]; nextCursor: string | null }

const ExceptionSection = ({ service, ask, list }: { service: Service; ask: Ask; list: (typeof lists)[number] }) => {
  const [isAll, setIsAll] = useState(false)
  const page = useLive<ExceptionPage>(service, `${list.path}?limit=100${isAll ? '' : '&resolved=false'}`)
  return (
    <Section title={list.title}>
      <label class="desk-choice">
        <input type="checkbox" checked={isAll} onInput={({ currentTarget }) => setIsAll(currentTarget.checked)} />
        those that were resolved, too
      </label>
      <Read live={page}>
        {({ exceptions, nextCursor }) => (
          <Exceptions
            exceptions={exceptions}
            isCut={nextCursor !== null}
            none={isAll ? `${list.none}.` : `${list.none}, or somebody resolved it.`}
            onResolve={(exception) => ask(resolveQuestion(service, list.path, exception), page.readNow)}
          />
        )}
      </Read>
    </Section>
  )
}

export const DeskPanel = ({ service, access }: PanelProps) => {
  const [asked, setAsked] = useState<{ question: Question; onDone: () => void } | null>(null)
  const ask: Ask = (question, onDone) => setAsked({ question, onDone })
  const isAdmin = mayTry(access, 'orders:admin')
  return (
    <div class="desk">
      <TradingSections service={service} ask={ask} mayChange={isAdmin} />
      {isAdmin ? (
        lists.map((list) => <ExceptionSection key={list.path} service={service} ask={ask} list={list} />)
      ) : (
        <p class="desk-soft">
          Exceptions are shown, and trading is halted, with a credential that has the scope <code>orders:admin</code>.
        </p>
      )}
      {asked !== null && (
        <StatementDialog
          question={asked.question}
          onDone={() => {
            asked.onDone()
            setAsked(null)
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  )
}
