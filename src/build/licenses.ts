// `bun run licenses`: lists other people's work inside the binary, and fails for a licence that nobody decided to accept. The build writes
// their texts into the binary, as the licences demand: `orders licenses` prints them.

import { runCommand } from './command.ts'
import { runtimePackages, type Package } from './packages.ts'

/** Licences, by their SPDX names, that demand only that their text is shipped too. */
const acceptedLicenses: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Unlicense',
])

/** The packages whose licence is not accepted, one line each. */
export const licenseFaults = (packages: readonly Package[]): string[] =>
  packages
    .filter(({ license }) => !acceptedLicenses.has(license))
    .map(({ name, version, license }) => `${name} ${version}: nobody decided to take the licence ${license}`)

const runtime =
  'Bun, the runtime inside this binary, is MIT; it links JavaScriptCore and others under their own licences: ' +
  'https://bun.com/docs/project/license'

/** What `orders licenses` prints: every text once, with the packages that it is for. */
export const notices = (packages: readonly Package[]): string => {
  const bare = packages.filter(({ texts }) => texts.length === 0)
  const byText = Map.groupBy(
    packages.filter(({ texts }) => texts.length > 0),
    ({ texts }) => texts.join('\n\n'),
  )
  const titles = (of: readonly Package[]): string =>
    of.map(({ name, version, license }) => `${name} ${version} (${license})`).join('\n')
  const parts = [...byText].map(([text, of]) => `${titles(of)}\n\n${text}`)
  const rest = bare.length === 0 ? [] : [`${titles(bare)}\n\nCame without a text of their own.`]
  return [runtime, ...parts, ...rest].join(`\n\n${'-'.repeat(78)}\n\n`)
}

const main = async (): Promise<number> => {
  const packages = runtimePackages()
  for (const { name, version, license } of packages) console.log(`${license.padEnd(14)} ${name} ${version}`)
  const faults = licenseFaults(packages)
  for (const fault of faults) console.error(fault)
  console.log(`${packages.length} packages, ${faults.length} faults`)
  return faults.length === 0 ? 0 : 1
}

if (import.meta.main) await runCommand(main)
