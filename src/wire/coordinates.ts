// Where a message stands on its topic, as text: `topic-partition-offset`. A topic's name may have hyphens too.

export type Coordinates = { topic: string; partition: number; offset: bigint }

const topic = '[A-Za-z0-9._-]{1,249}'
/** A topic's name, as Kafka allows it. */
export const topicPattern = `^${topic}$`
export const coordinatesPattern = `^${topic}-\\d+-\\d+$`

/** Wider than the published pattern, so that letters of older versions can be read too. */
const pattern = /^(.*)-(\d+)-(\d+)$/s

export const coordinatesText = ({ topic, partition, offset }: Coordinates): string => `${topic}-${partition}-${offset}`

/** Null if the text has another form. */
export const parseCoordinates = (text: string): Coordinates | null => {
  const match = pattern.exec(text)
  if (match === null) return null
  const [, topic, partition, offset] = match
  return { topic: topic!, partition: Number(partition), offset: BigInt(offset!) }
}
