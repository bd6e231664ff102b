// The jars of a real Apache Kafka, from Maven Central through the ordinary `mvn`, cached so that Maven and a network are needed
// once; and a JDK to run them, or one sentence that says what is missing.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { mavenJars } from './mavenJars.ts'
import { cacheDir } from './paths.ts'
import { StackError } from './stackError.ts'
import { chosenKafka, kafkaReleases, type KafkaVersion } from './versions.ts'

const javaVersionMin = 17

const homeOf = (version: KafkaVersion): string => join(cacheDir, `kafka-${kafkaReleases[version].version}`)

const instead = ', or give KAFKA_BOOTSTRAP_SERVERS'

/** Answers the class path; downloads once. */
export const kafkaClassPath = async (release: KafkaVersion, log?: (line: string) => void): Promise<string> => {
  const lib = join(homeOf(release), 'lib')
  const { version, binding } = kafkaReleases[release]
  await mavenJars(lib, {
    what: 'Kafka',
    artifacts: [['org.apache.kafka', 'kafka_2.13', version], binding],
    instead,
    onStart: () => log?.(`Kafka: downloading Apache Kafka ${version} with Maven (43 MB, once)`),
  })
  return join(lib, '*')
}

/** The same with Kafka's own tools, which only some tests and the benchmark need: one more jar, its dependencies are the broker's. */
export const kafkaToolsClassPath = async (): Promise<string> => {
  const release = chosenKafka(process.env)
  const lib = join(homeOf(release), 'tools')
  await mavenJars(lib, {
    what: "Kafka's tools",
    artifacts: [['org.apache.kafka', 'kafka-tools', kafkaReleases[release].version]],
    flags: ['-DexcludeTransitive=true'],
    instead,
  })
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
