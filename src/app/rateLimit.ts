// Token buckets in the memory of this process. A bucket holds `burst` requests and refills by `perSecond`. Beyond `keysMax` buckets the
// least recently used one is dropped: it has refilled the longest.

export type BucketOptions = {
  perSecond: number
  burst: number
  keysMax: number
  /** A monotonic clock in ms. */
  nowMs: () => number
}

/** `waitSeconds`: until there is room for the next request; 0 if there is room now. */
export type BucketState = { allowed: boolean; remaining: number; waitSeconds: number }

export type Buckets = {
  /** Takes `cost` tokens (one by default) if there is at least one. What is missing becomes a debt that refills first. */
  take: (key: string, cost?: number) => BucketState
  /** Gives back the token of a request that was refused for another reason. */
  putBack: (key: string) => void
  /** The current state; takes no token. */
  look: (key: string) => BucketState
  readonly size: number
}

type Bucket = { tokens: number; at: number }

export const createBuckets = ({ perSecond, burst, keysMax, nowMs }: BucketOptions): Buckets => {
  const buckets = new Map<string, Bucket>()

  const refilled = (key: string): Bucket => {
    const now = nowMs()
    const bucket = buckets.get(key)
    if (bucket === undefined) return { tokens: burst, at: now }
    const tokens = bucket.tokens + ((now - bucket.at) * perSecond) / 1000
    return { tokens: Math.min(burst, tokens), at: now }
  }
  const stateOf = ({ tokens }: Bucket, allowed: boolean): BucketState => ({
    allowed,
    remaining: Math.max(0, Math.floor(tokens)),
    waitSeconds: tokens >= 1 ? 0 : (1 - tokens) / perSecond,
  })
  const store = (key: string, bucket: Bucket): void => {
    // The order of the map is that of use: the first entry is the least recently used.
    buckets.delete(key)
    if (buckets.size >= keysMax) buckets.delete(buckets.keys().next().value!)
    buckets.set(key, bucket)
  }
  return {
    take(key, cost = 1) {
      const bucket = refilled(key)
      const allowed = bucket.tokens >= 1
      if (allowed) bucket.tokens -= cost
      store(key, bucket)
      return stateOf(bucket, allowed)
    },
    putBack(key) {
      const bucket = buckets.get(key)
      if (bucket !== undefined) bucket.tokens = Math.min(burst, bucket.tokens + 1)
    },
    look(key) {
      const bucket = refilled(key)
      return stateOf(bucket, bucket.tokens >= 1)
    },
    get size() {
      return buckets.size
    },
  }
}
