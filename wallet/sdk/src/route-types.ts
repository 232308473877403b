import type { RouteName, Routes } from '@waiaas/core'

/** The shapes of the route table, without its code: clients carry no schema and no dependency. */
type InputOf<Schema> = Schema extends { _zod: { input: infer Value } } ? Value : never
type OutputOf<Schema> = Schema extends { _zod: { output: infer Value } } ? Value : never
type Member<Value, Key extends string> = Value extends { [K in Key]: infer Found } ? Found : never

/** What a route answers when all went well. */
export type AnswerOf<Name extends RouteName> = OutputOf<
  Member<Routes[Name]['responses'][keyof Routes[Name]['responses']], 'schema'>
>

/** The body that a route takes. */
export type BodyOf<Name extends RouteName> = InputOf<Member<Routes[Name], 'body'>>

/** The query parameters that a route takes. */
export type QueryOf<Name extends RouteName> = InputOf<Member<Routes[Name], 'query'>>

export type MethodOf<Name extends RouteName> = Routes[Name]['method']
export type PathOf<Name extends RouteName> = Routes[Name]['path']
