// `bun run docs` writes the tables of the handbook that repeat what the code knows: every setting with its note, every metric
// with its help. They stand between marks; it leaves the text around them alone. A test fails while a table is stale.

import { settingGroups, settings } from '../config/config.ts'
import { unitOf, type Setting, type SettingNote } from '../config/setting.ts'
import { declaredMetrics } from '../metrics/metrics.ts'
import { CommandFault, runCommand } from './command.ts'
import { inRepo } from './repository.ts'

const code = (text: string): string => `\`${text}\``

/** Lines of a table in Markdown; a cell that is empty is one space. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
    .replace(/ {2}/g, ' ')

/** A default as somebody would write it into the environment; a dash if there is none. */
const defaultText = (key: string, { read }: Setting<unknown>): string => {
  const value = read(key, {}, [])
  const text = Array.isArray(value) ? value.join() : `${(value ?? '') as string | number | boolean}`
  return text === '' ? '–' : code(text)
}

const settingRow = ([key, { note, secret }]: [string, SettingNote]): string[] => {
  const setting: Setting<unknown> | undefined = Object.entries(settings).find(([name]) => name === key)?.[1]
  const fallback = setting === undefined || secret ? '–' : defaultText(key, setting)
  return [code(key), fallback, unitOf(key), secret ? `${note} **Secret.**` : note]
}

const settingTables = (): string =>
  settingGroups
    .map(({ title, settings: group }) => {
      const rows = Object.entries<SettingNote>(group).map(settingRow)
      return `## ${title}\n\n${table(['key', 'default', 'unit', 'what it is'], rows)}`
    })
    .join('\n\n')

const metricTable = (): string =>
  table(
    ['metric', 'type', 'labels', 'what it tells'],
    declaredMetrics().map(({ name, type, labels = [], help }) => [code(name), type, labels.map(code).join(', '), help]),
  )

const generated = { settings: settingTables, metrics: metricTable } as const satisfies Record<string, () => string>
type Name = keyof typeof generated

/** The page of each table. */
export const generatedPages = {
  'src/handbook/configuration.md': 'settings',
  'src/handbook/metrics.md': 'metrics',
} as const satisfies Record<string, Name>

/** The page with its table as it has to be now. Throws if the marks are missing. */
export const withTable = (page: string, name: Name): string => {
  const [before, rest] = page.split(`<!-- generated: ${name} -->\n`)
  const end = rest?.indexOf('<!-- end -->') ?? -1
  if (rest === undefined || end === -1)
    throw new CommandFault(`the page has no <!-- generated: ${name} --> with an <!-- end --> behind it`)
  return `${before}<!-- generated: ${name} -->\n\n${generated[name]()}\n\n${rest.slice(end)}`
}

const main = async (): Promise<number> => {
  for (const [path, name] of Object.entries(generatedPages)) {
    const file = Bun.file(inRepo(path))
    const page = await file.text()
    const fresh = withTable(page, name)
    if (fresh !== page) await file.write(fresh)
    console.log(`${path}: ${fresh === page ? 'as it was' : 'written'}`)
  }
  return 0
}

if (import.meta.main) await runCommand(main)
