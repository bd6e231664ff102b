// `orders help`: the handbook on the command line, as plain Markdown.

import { pageNamed, pages } from '../handbook/pages.ts'
import { pageTexts } from '../handbook/texts.ts'
import { printLine } from '../telemetry/terminal.ts'

const list = [
  'The handbook: orders help <page> prints a page (plain Markdown; a pager helps: orders help runbook | less)',
  '',
  ...pages.map(({ name, about }) => `  ${name.padEnd(15)} ${about}`),
  '',
  'The running service has the same pages at /docs. For the subcommands: orders --help',
].join('\n')

/** Without a name lists the pages. Exit codes: 0, or 2 if there is no such page (the list goes to standard error). */
export const helpCommand = async ([name, ...rest]: readonly string[]): Promise<number> => {
  if (name === undefined) {
    await printLine(list)
    return 0
  }
  const page = rest.length === 0 ? pageNamed(name) : undefined
  if (page === undefined) {
    process.stderr.write(`orders help: the handbook has no page "${[name, ...rest].join(' ')}"\n${list}\n`)
    return 2
  }
  await printLine(pageTexts[page.name].trimEnd())
  return 0
}
