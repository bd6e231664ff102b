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
    return { attributes, outcome: outcomeOf(children) }
  })
}

/** Counts the test cases themselves: the sums in the suites' attributes are nested and differ between writers. */
export const countTests = (xml: string): TestCounts => {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { outcome } of casesIn(xml)) counts[outcome] += 1
  return counts
}

const attribute = (attributes: string, name: string): string => {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1] ?? ''
  return value.replace(/&(\w+);/g, (whole, entity: string) => entities[entity] ?? whole)
}

/** The tests that failed, each as `file: name`. */
export const failedTests = (xml: string): string[] =>
  casesIn(xml)
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ attributes }) => `${attribute(attributes, 'file')}: ${attribute(attributes, 'name')}`)

type TestCase = {
  attributes: string
  outcome: keyof TestCounts
}

const entities: Record<string, string> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }

/** Attribute values may hold `>`, so they are read as quoted text; a case without children ends in `/>`. */
const testCase = /<testcase((?:\s+[\w:.-]+="[^"]*")*\s*\/?)>(?:(?<=\/>)|([\s\S]*?)<\/testcase>)/g

/** The closing line. */
export const summarise = ({ passed, failed, skipped }: TestCounts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
