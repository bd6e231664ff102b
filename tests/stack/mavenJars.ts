// Jars from Maven Central through the ordinary `mvn`, cached so that Maven and a network are needed once.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { runTool } from './server.ts'
import { StackError } from './stackError.ts'

export type Artifact = readonly [group: string, name: string, version: string]
export type Download = {
  /** For a person. */
  what: string
  artifacts: readonly Artifact[]
  flags?: readonly string[]
  /** What to do where there is no Maven, after "install it". */
  instead?: string
  onStart?: () => void
}

const dependency = ([groupId, artifactId, version]: Artifact): string =>
  `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`

const pomXml = (artifacts: readonly Artifact[]): string => `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>orders</groupId>
  <artifactId>jars-for-dev-and-tests</artifactId>
  <version>1</version>
  <dependencies>
    ${artifacts.map(dependency).join('\n    ')}
  </dependencies>
</project>
`

/** Fills the folder `lib` with these jars and what they need, if it is not there. */
export const mavenJars = async (
  lib: string,
  { what, artifacts, flags = [], instead = '', onStart }: Download,
): Promise<void> => {
  if (existsSync(lib)) return
  const maven = Bun.which('mvn')
  if (!maven) {
    const how = `install it (Debian: apt-get install maven)${instead}.`
    throw new StackError('MAVEN_MISSING', `Maven fetches ${what} once and there is no \`mvn\` here: ${how}`)
  }
  onStart?.()
  mkdirSync(dirname(lib), { recursive: true })
  const half = `${lib}.${process.pid}`
  const pom = `${half}.pom.xml`
  await Bun.write(pom, pomXml(artifacts))
  const command = [maven, '-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${half}`, ...flags]
  const { exitCode, output } = await runTool(command)
  rmSync(pom, { force: true })
  if (exitCode !== 0) {
    throw new StackError('MAVEN_MISSING', `Maven could not fetch ${what}: ${output.split('\n')[0] ?? ''}`)
  }
  // The folder appears whole or not at all; if two download at once, the second finds the folder and drops its own.
  if (existsSync(lib)) rmSync(half, { recursive: true })
  else renameSync(half, lib)
}
