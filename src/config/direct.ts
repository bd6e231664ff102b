// The runtime sends each request to the proxy that HTTP_PROXY or HTTPS_PROXY names, also one to this very host. A platform that sets them for every
// container would have a health check ask the proxy, and restart a healthy service for its answer.

/** No request of this process goes to a proxy from now on. */
export const goDirectly = (): void => {
  for (const name of ['NO_PROXY', 'no_proxy']) process.env[name] = '*'
}
