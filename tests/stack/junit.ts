// Reads a junit report: numbers and names, each test counted once, errors as failures. Pure.

export type TestCounts = {
  passed: number
  failed: number
  skipped: number
}

const outcomeOf = (children: string): keyof TestCounts => {
  if (/<(failure|error)[\s/>]/.test(children)) return 'failed'
  return /<(skipped|todo)[\s/>]/.test(children) ? 'skipped' : 'passed'
}

const casesIn = (xml: string): TestCase[] => {
  return [...xml.matchAll(testCase)].map(([, attributes = '', body = '']) => {
    const children = attributes.endsWith('/') ? '' : body
    return { attributes, children, outcome: outcomeOf(children) }
  })
}

/** Counts the test cases themselves: the sums in the suites' attributes are nested and differ between writers. */
export const countTests = (xml: string): TestCounts => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { outcome } of casesIn(xml)) counts[outcome] += 1
  return counts
}

const plain = (xml: string): string =>
  xml
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&(\w+);/g, (whole, entity: string) => entities[entity] ?? whole)

const attribute = (attributes: string, name: string): string =>
  plain(new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1] ?? '')

/** `name`: as `file: name`. `why`: what the failure says, which may be long; empty if it says nothing. */
export type FailedTest = { name: string; why: string }

/** The tests that failed. */
export const failedTests = (xml: string): FailedTest[] =>
  casesIn(xml)
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ attributes, children }) => {
      const [, own = '', text = ''] = failure.exec(children) ?? []
      return {
        name: `${attribute(attributes, 'file')}: ${attribute(attributes, 'name')}`,
        why: plain(text).trim() || attribute(own, 'message').trim(),
      }
    })

const linesShown = 15
const widthShown = 300

/** The first and the last lines of a long text: an error says at its beginning what is wrong, a program that failed at its end. */
export const shorten = (text: string): string => {
  const lines = text.split('\n').map((line) => (line.length > widthShown ? `${line.slice(0, widthShown)}…` : line))
  if (lines.length <= 2 * linesShown) return lines.join('\n')
  const left = lines.length - 2 * linesShown
  return [...lines.slice(0, linesShown), `… ${left} lines …`, ...lines.slice(-linesShown)].join('\n')
}

type TestCase = {
  attributes: string
  children: string
  outcome: keyof TestCounts
}

const entities: Record<string, string> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }

/** Attribute values may hold `>`, so they are read as quoted text; a case without children ends in `/>`. */
const testCase = /<testcase((?:\s+[\w:.-]+="[^"]*")*\s*\/?)>(?:(?<=\/>)|([\s\S]*?)<\/testcase>)/g

const failure = /<(?:failure|error)((?:\s+[\w:.-]+="[^"]*")*\s*\/?)>([\s\S]*?)(?:<\/(?:failure|error)>|$)/

/** The closing line. */
export const summarise = ({ passed, failed, skipped }: TestCounts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
