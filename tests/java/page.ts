// The handbook's table of differences from the Java service, from the requests of the comparison. Pure but for writePage.ts, which is run by
// `bun run docs`.

import { CommandFault } from '../../src/build/command.ts'
import { table } from '../../src/build/docs.ts'
import { allCases, sections } from './parity/all.ts'
import { answersOf, isAlike, type Answer, type ParityCase } from './parity/case.ts'

export const pagePath = 'src/handbook/java.md'

const begin = '<!-- generated: parity -->\n'
const end = '<!-- end -->'

const code = (text: string): string => `\`${text}\``
const valueText = (value: unknown): string => (typeof value === 'string' ? code(value) : String(value))

const statusText = (status: Answer['status']): string =>
  typeof status === 'number' ? code(String(status)) : status.map((one) => code(String(one))).join(', ')

/** Members whose values differ between the answers: only they are worth a word, and those of a refusal. */
const toldMembers = ({ java, ours, switched }: ReturnType<typeof answersOf>): string[] => {
  const names = new Set([java, ours, switched].flatMap(({ has = {} }) => Object.keys(has)))
  const values = (name: string) => [java, ours, switched].flatMap(({ has = {} }) => (name in has ? [has[name]] : []))
  return [...names].filter((name) => new Set(values(name)).size > 1)
}

const answerText = ({ status, has = {}, headers = {} }: Answer, told: readonly string[]): string => {
  const members = told.flatMap((name) => (name in has ? [`${code(name)} ${valueText(has[name])}`] : []))
  const sent = Object.entries(headers).map(([name, value]) => `${code(name)} ${code(value)}`)
  return [statusText(status), ...members, ...sent].join(', ')
}

const rowOf = (asked: ParityCase): string[] => {
  const answers = answersOf(asked)
  const { java, ours, switched } = answers
  const told = toldMembers(answers)
  const withSwitch = isAlike(java, switched) ? 'as Java' : switched === ours ? 'the same' : answerText(switched, told)
  const here = isAlike(java, ours) ? 'as Java' : answerText(ours, told)
  return [asked.name, answerText(java, told), here, withSwitch, asked.reason!]
}

const head = ['request', 'Java service', 'this one', 'with the switch', 'why']

const sectionText = ({ title, cases }: { title: string; cases: readonly ParityCase[] }): string => {
  const [different, alike] = [
    cases.filter(({ reason }) => reason !== undefined),
    cases.filter(({ reason }) => reason === undefined),
  ]
  const rows = different.length === 0 ? [] : [table(head, different.map(rowOf))]
  const same = [...Map.groupBy(alike, ({ java }) => statusText(java.status))].map(
    ([status, those]) => `- Alike, ${status}: ${those.map(({ name }) => name).join('; ')}.`,
  )
  return [`### ${title}`, ...rows, ...(same.length === 0 ? [] : [same.join('\n')])].join('\n\n')
}

const parityText = (): string => {
  const differing = allCases.filter((asked) => !isAlike(asked.java, answersOf(asked).ours)).length
  const switched = allCases.filter((asked) => !isAlike(asked.java, answersOf(asked).switched)).length
  const noted = allCases.filter(({ source }) => source === 'noted').length
  const summary =
    `Of ${allCases.length} requests this service answers ${allCases.length - differing} as the Java service did, and ${differing} otherwise; with the switch ${switched}. ` +
    `Of ${noted} the notes of the comparison have the Java service’s answer; of the others they say that such requests are alike, or by which rule they are answered. ` +
    'A refusal counts as alike where it has the status and all members that it had there.'
  return [summary, ...sections.map(sectionText)].join('\n\n')
}

/** The page with its table as it has to be now. Throws a CommandFault if the marks are missing. */
export const withParity = (page: string): string => {
  const [before, rest] = page.split(begin)
  const at = rest?.indexOf(end) ?? -1
  if (rest === undefined || at === -1)
    throw new CommandFault(`the page has no ${begin.trim()} with an ${end} behind it`)
  return `${before}${begin}\n${parityText()}\n\n${rest.slice(at)}`
}
