/** Files that the binary embeds as text. */
declare module '*.sql' {
  const text: string
  export default text
}
declare module '*.md' {
  const text: string
  export default text
}
declare module '*.yaml' {
  const text: string
  export default text
}
/** Files of the docs page, embedded in the binary: the import is the path that they have there. */
declare module 'swagger-ui-dist/*' {
  const path: string
  export default path
}
declare module '*.proto' {
  const text: string
  export default text
}
/** The library's own instance of its compiler of validators (src/kafka/validators.ts). tsconfig.json says where it is. */
declare module '@platformatic/kafka/utils' {
  type Validator = { (value: unknown): boolean; errors: null }
  export const ajv: { compile: (schema: object) => Validator }
}
