// The jars of a real Apache Kafka, from Maven Central through the ordinary `mvn`, cached so that Maven and a network are needed
// once; and a JDK to run them, or one sentence that says what is missing.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheDir } from './paths.ts'
import { runTool } from './server.ts'
import { StackError } from './stackError.ts'
import { chosenKafka, kafkaReleases, type KafkaVersion } from './versions.ts'

type Artifact = readonly [group: string, name: string, version: string]
type Download = { artifacts: Artifact[]; flags?: string[]; onStart?: () => void }

const javaVersionMin = 17

const homeOf = (version: KafkaVersion): string => join(cacheDir, `kafka-${kafkaReleases[version].version}`)

const dependency = ([groupId, artifactId, version]: Artifact): string =>
  `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`

const pomXml = (artifacts: Artifact[]): string => `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>orders</groupId>
  <artifactId>kafka-for-dev-and-tests</artifactId>
  <version>1</version>
  <dependencies>
    ${artifacts.map(dependency).join('\n    ')}
  </dependencies>
</project>
`

const download = async (lib: string, { artifacts, flags = [], onStart }: Download): Promise<void> => {
  const maven = Bun.which('mvn')
  if (!maven) {
    const how = 'install it (Debian: apt-get install maven), or give KAFKA_BOOTSTRAP_SERVERS.'
    throw new StackError('MAVEN_MISSING', `Maven fetches Kafka once and there is no \`mvn\` here: ${how}`)
  }
  onStart?.()
  mkdirSync(dirname(lib), { recursive: true })
  const pom = `${lib}.pom.xml`
  const half = `${lib}.${process.pid}`
  await Bun.write(pom, pomXml(artifacts))
  const command = [maven, '-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${half}`, ...flags]
  const { exitCode, output } = await runTool(command)
  if (exitCode !== 0) {
    throw new StackError('MAVEN_MISSING', `Maven could not fetch Kafka: ${output.split('\n')[0] ?? ''}`)
  }
  // The folder appears whole or not at all; if two download at once, the second finds the folder and drops its own.
  if (existsSync(lib)) rmSync(half, { recursive: true })
  else renameSync(half, lib)
}

/** Answers the class path; downloads once. */
export const kafkaClassPath = async (release: KafkaVersion, log?: (line: string) => void): Promise<string> => {
  const lib = join(homeOf(release), 'lib')
  if (!existsSync(lib)) {
    const { version, binding } = kafkaReleases[release]
    const onStart = () => log?.(`Kafka: downloading Apache Kafka ${version} with Maven (43 MB, once)`)
    await download(lib, { artifacts: [['org.apache.kafka', 'kafka_2.13', version], binding], onStart })
  }
  return join(lib, '*')
}

/** The same with Kafka's own tools, which only some tests and the benchmark need: one more jar, its dependencies are the broker's. */
export const kafkaToolsClassPath = async (): Promise<string> => {
  const release = chosenKafka(process.env)
  const lib = join(homeOf(release), 'tools')
  if (!existsSync(lib)) {
    const artifacts: Artifact[] = [['org.apache.kafka', 'kafka-tools', kafkaReleases[release].version]]
    await download(lib, { artifacts, flags: ['-DexcludeTransitive=true'] })
  }
  return [await kafkaClassPath(release), join(lib, '*')].join(':')
}

/** The `java` of JAVA_HOME or of the path, when it is new enough. */
export const findJava = (): string => {
  const ofHome = process.env['JAVA_HOME'] && join(process.env['JAVA_HOME'], 'bin', 'java')
  const java = ofHome && existsSync(ofHome) ? ofHome : Bun.which('java')
  const need = `Kafka needs a JDK ${javaVersionMin} or newer`
  if (!java)
    throw new StackError(
      'JAVA_MISSING',
      `${need} and there is no \`java\` here: install one, or give KAFKA_BOOTSTRAP_SERVERS.`,
    )
  const version = Bun.spawnSync([java, '-version'], { stdout: 'ignore' }).stderr.toString()
  const major = Number(/version "(\d+)/.exec(version)?.[1] ?? 0)
  if (major >= javaVersionMin) return java
  throw new StackError(
    'JAVA_MISSING',
    `${need} and ${java} is ${major || 'not a working one'}: install one, or set JAVA_HOME.`,
  )
}
