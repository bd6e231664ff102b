// `bun run audit`: asks the registry for the vulnerabilities of every package, and fails for any in the binary, and for a high or
// critical one among the tools. If the registry cannot be asked, the last line says so.

import { runCommand } from './command.ts'
import { runtimePackages } from './packages.ts'
import { inRepo } from './repository.ts'

const severities = ['low', 'moderate', 'high', 'critical'] as const
export type Advisory = { severity: (typeof severities)[number]; title: string; url: string }
/** As `bun audit --json` prints them: by the name of the package. */
export type Advisories = Readonly<Record<string, readonly Advisory[]>>

/** Advisories that somebody looked into and that do no harm here: the address of each, and why. */
const accepted: Readonly<Record<string, string>> = {}

/** The advisories that forbid a release, one line each. `inside`: the names of the packages in the binary. */
export const auditFaults = (advisories: Advisories, inside: ReadonlySet<string>): string[] =>
  Object.entries(advisories).flatMap(([name, ofPackage]) =>
    ofPackage
      .filter(({ url }) => !Object.hasOwn(accepted, url))
      .filter(({ severity }) => inside.has(name) || severity === 'high' || severity === 'critical')
      .map(({ severity, title, url }) => `${name}: ${severity}: ${title} (${url})`),
  )

type RegistryAnswer = { ok: true; advisories: Advisories } | { ok: false; why: string }

/** `bun audit --json` prints one object, whether it found something or not; anything else is a registry that did not answer. */
export const askRegistry = async (env: Record<string, string> = {}): Promise<RegistryAnswer> => {
  const child = Bun.spawn([process.execPath, 'audit', '--json'], {
    cwd: inRepo(),
    env: { ...process.env, ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  const start = out.indexOf('{')
  if (start >= 0) return { ok: true, advisories: JSON.parse(out.slice(start)) as Advisories }
  // The address of a registry belongs in nobody's log.
  const why = /^error: .* - (\d{3})$/m.exec(err)?.[1]
  return { ok: false, why: why === undefined ? 'it did not answer' : `it answered ${why}` }
}

/** Prints the faults, one a line, and how many there are; true if there are none, or if the registry cannot be asked. */
export const audit = async (env?: Record<string, string>): Promise<boolean> => {
  const answer = await askRegistry(env)
  if (!answer.ok) {
    console.log(`0 faults known: the registry could not be asked for vulnerabilities (${answer.why})`)
    return true
  }
  const faults = auditFaults(answer.advisories, new Set(runtimePackages().map(({ name }) => name)))
  for (const fault of faults) console.error(fault)
  console.log(`${faults.length} faults`)
  return faults.length === 0
}

if (import.meta.main) await runCommand(async () => ((await audit()) ? 0 : 1))
