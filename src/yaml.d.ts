/** Alert rules are a plain file, embedded in the binary as text. */
declare module '*.yaml' {
  const text: string
  export default text
}
